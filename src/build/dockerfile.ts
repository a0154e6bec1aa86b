import type { Readable } from 'node:stream'
import type { Engine, Image, Limits } from '../engine/engine.ts'
import { dockerignore } from './dockerignore.ts'
import { rewriteTar } from './tar.ts'
import type { Source } from './source.ts'

/** True when the commit is to be built by its Dockerfile: there is one, and nothing that asks for a buildpack. */
export function isDockerfileBuild({ root }: Source, installed: readonly string[] = []): boolean {
  return installed.length === 0 && root.has('Dockerfile') && !root.has('Procfile') && !root.has('.buildpacks')
}

type DockerfileOptions = Omit<Parameters<Engine['buildDockerfile']>[0], 'context'> & { limits: Limits }

/** Builds the tree with its own Dockerfile. `.dockerignore` holds, which is the client's part of a build. @throws build_failed */
export async function buildDockerfile(
  {
    engine,
    archive,
    source,
  }: { engine: Pick<Engine, 'buildDockerfile'>; archive: () => Promise<Readable>; source: Source },
  options: DockerfileOptions,
  signal: AbortSignal,
): Promise<Image> {
  const context = async () => buildContext(await archive(), source.files['.dockerignore'])
  return engine.buildDockerfile({ ...options, context }, signal)
}

function buildContext(tar: Readable, ignored: string | undefined): Readable {
  if (ignored === undefined) return tar
  const isIgnored = dockerignore(ignored)
  return rewriteTar(tar, ({ name, type, size, mode, mtime, linkname }) => {
    const path = name.replace(/\/$/, '')
    return path === '' || isIgnored(path) ? undefined : { name, type, size, mode, mtime, linkname }
  })
}
