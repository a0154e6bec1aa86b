import { Readable } from 'node:stream'
import { pack } from '../tar.ts'
import type { ConfigVars } from '../model/release.ts'
import { appDirectory, cacheDirectory, configDirectory } from './directories.ts'
import type { Candidates } from './detect.ts'
import type { BuildRequest } from '../model/build-request.ts'
import { buildProgram } from './toolbox.ts'

/**
 * What a sandbox is told to do for a build: its files, config vars among them, and the program that
 * asks the packs.
 */
export function buildOrder(request: BuildRequest, { mode, packs }: Candidates, source: Readable, stack: string) {
  return {
    argv: [buildProgram, appDirectory, cacheDirectory, configDirectory, mode, ...packs],
    env: { ...environment(request, stack), PAAS_ALONE: 'yes' },
    files: Readable.from(oneAfterAnother(configFiles(request.config), source), { objectMode: false }),
  }
}

/**
 * What Heroku's build system gives a pack. Config vars are not among it, since packs read them from
 * ENV_DIR, but for STACK: packs choose by it what they download, and an app may know better which
 * stack's that should be.
 */
function environment(request: BuildRequest, stack: string): Record<string, string> {
  const { buildId, commit, version = commit, config } = request
  return {
    BUILDPACK_LOG_FILE: '/dev/null',
    HOME: appDirectory,
    REQUEST_ID: buildId,
    SOURCE_VERSION: version,
    STACK: config['STACK'] || stack,
  }
}

/** One file a variable, without a newline at its end. */
function configFiles(config: ConfigVars): Readable {
  const archive = pack()
  for (const [key, value] of Object.entries(config)) {
    archive.entry({ name: `${configDirectory.slice(1)}/${key}`, mode: 0o600 }, value)
  }
  archive.finalize()
  return Readable.from(archive)
}

export async function* oneAfterAnother(...sources: Readable[]): AsyncGenerator<Buffer> {
  for (const source of sources) yield* source as AsyncIterable<Buffer>
}
