import type { Engine, Image, Sandbox } from '../engine/engine.ts'
import type { BuildRequest } from './pipeline.ts'
import type { Layer } from './answers.ts'
import type { DependencyImages } from './dependencies.ts'
import { slugFiles } from './slug.ts'
import { appDirectory } from './directories.ts'

type ExportDeps = { engine: Pick<Engine, 'createImage'>; dependencies: DependencyImages; sandbox: Sandbox }
type ExportOptions = { request: BuildRequest; base: Image; packs: string[]; layers: Layer[]; slugBytes: number }

/**
 * The app's image: the run image, a layer with its dependencies and one with all else that the build left in its directory.
 * `bytes` is both layers. @throws slug_too_large
 */
export async function exportSlug(
  { engine, dependencies, sandbox }: ExportDeps,
  { request, base, packs, layers, slugBytes }: ExportOptions,
): Promise<{ image: Image; bytes: number; procfile: string | undefined }> {
  const lower = await dependencies.image({ appId: request.appId, base, layers, sandbox, slugBytes })
  const lowerBytes = lower.sizeBytes - base.sizeBytes
  const { files, facts } = slugFiles(await sandbox.get(appDirectory), slugBytes - lowerBytes)
  const labels = imageLabels(request, packs)
  const config = { labels, workingDirectory: appDirectory, user: 'app', env: { HOME: appDirectory } }
  const image = await engine.createImage({ base: lower.digest, files, path: '/', config })
  return { image, bytes: lowerBytes + facts.bytes, procfile: facts.procfile }
}

/** What names a running container's origin: ours, and those of the OCI image specification (annotations.md). */
export function imageLabels(request: BuildRequest, packs: string[]): Record<string, string> {
  return {
    'paas.app': request.appId,
    'paas.app-name': request.app,
    'paas.build': request.buildId,
    'paas.commit': request.commit,
    'paas.packs': packs.join(','),
    'org.opencontainers.image.title': request.app,
    'org.opencontainers.image.revision': request.commit,
    'org.opencontainers.image.created': new Date().toISOString(),
  }
}
