import type { Readable } from 'node:stream'
import type { Engine, Image, Limits, Sandbox } from '../engine/engine.ts'
import { appDirectory, cacheDirectory, configDirectory } from './directories.ts'
import { imageLabels } from './export.ts'
import type { BuildRequest } from './pipeline.ts'

/** Processes and threads in one build: bundlers start a few per core, a fork bomb does not get far. */
const mostProcesses = 1024
/** What a build and its cache may take on disk: a slug of the largest size several times over. */
const mostDiskMiB = 10 * 1024

export type BuildLimits = { memoryMiB: number; cpus: number }

type SandboxOptions = { image: Image; source: Readable; stack: string; limits: Limits }

/** A container of the build's own, with the source in it and the config vars where only the build sees them. */
export async function createBuildSandbox(
  engine: Pick<Engine, 'createSandbox'>,
  request: BuildRequest,
  { image, source, stack, limits }: SandboxOptions,
  signal: AbortSignal,
): Promise<Sandbox> {
  const spec = {
    appId: request.appId,
    image: image.digest,
    name: `build-${request.buildId}`,
    user: 'app',
    limits,
    cacheAt: cacheDirectory,
    secretsAt: { path: configDirectory, files: request.config },
    env: environment(request, stack),
    workingDirectory: appDirectory,
    labels: imageLabels(request, []),
  }
  const sandbox = await engine.createSandbox(spec, signal)
  try {
    await sandbox.put(appDirectory, source)
    return sandbox
  } catch (error) {
    await sandbox[Symbol.asyncDispose]()
    throw error
  }
}

export function limitsOf({ memoryMiB, cpus }: BuildLimits): Limits {
  return { memoryMiB, cpus, pids: mostProcesses, diskMiB: mostDiskMiB }
}

/** What Heroku's build system gives a pack. Config vars are not among it: packs read them from ENV_DIR. */
function environment({ buildId, commit, version = commit }: BuildRequest, stack: string): Record<string, string> {
  return {
    BUILDPACK_LOG_FILE: '/dev/null',
    HOME: appDirectory,
    REQUEST_ID: buildId,
    SOURCE_VERSION: version,
    STACK: stack,
  }
}
