import type { Engine, Image, Sandbox } from '../engine/engine.ts'
import type { BuildRequest } from './pipeline.ts'
import { slugFiles, type SlugFacts } from './slug.ts'
import { appDirectory } from './directories.ts'

type ExportDeps = { engine: Pick<Engine, 'appendLayer'>; sandbox: Sandbox }
type ExportOptions = { base: Image; labels: Record<string, string>; slugBytes: number }

/** The app's image: the run image and one layer with what the build left in its directory. @throws slug_too_large */
export async function exportSlug(
  { engine, sandbox }: ExportDeps,
  { base, labels, slugBytes }: ExportOptions,
): Promise<SlugFacts & { image: Image }> {
  const { files, facts } = slugFiles(await sandbox.get(appDirectory), slugBytes)
  const config = { labels, workingDirectory: appDirectory, user: 'app', env: { HOME: appDirectory } }
  const image = await engine.appendLayer({ base: base.digest, layer: files, config })
  return { ...facts, image }
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
