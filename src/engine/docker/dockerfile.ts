import type { Readable } from 'node:stream'
import { PaasError } from '../../errors.ts'
import { within } from '../../model/machine.ts'
import type { DockerfileBuild, Image, Limits } from '../engine.ts'
import { label, type Kind } from '../labels.ts'
import { EngineRefusal, type DockerDeps } from './client.ts'
import { sharedMemory } from './host-config.ts'
import { relabelImage } from './images.ts'
import { readJsonLines, type Progress } from './json-lines.ts'
import { ensureNetwork, type NetworkDeps } from './networks.ts'
import { refuseFetches, withoutAnswer } from './step-policy.ts'
import { keepSteps, StageEnds } from './step-cache.ts'
import { guardSteps } from './step-guard.ts'

/** How often a build begins before it is given up, when steps it found keep going away. */
const mostAttempts = 3

/** CPU time is given out in periods of 100 ms (Docker's default for --cpus). */
const cpuPeriod = 100_000

/**
 * Builds the Dockerfile in the root of `context` with the engine's own builder. Its steps run as the Dockerfile
 * says, in the app's build network and under the limits. Closing the connection makes the engine stop the build.
 * @throws build_failed with the step that failed
 */
export async function buildDockerfile(deps: NetworkDeps, build: DockerfileBuild, signal: AbortSignal): Promise<Image> {
  const ended = new AbortController()
  const either = AbortSignal.any([signal, ended.signal])
  const stages = new StageEnds()
  try {
    const [network, machine] = await Promise.all([ensureNetwork(deps, build.appId, 'build'), deps.machine()])
    const limits = within(build.limits, machine)
    const guarding = guardSteps(deps, { network, limits }, either)
    const building = persistently(() => runBuild(deps, build, { network, limits, stages }, either))
    const digest = await Promise.race([building, guarding.then(brokenOff)])
    return await relabelImage(deps, digest, { ...build.labels, ...ownLabels(deps.serverId, build.appId) })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    ended.abort()
    await keepSteps(deps, build.appId, stages.all())
  }
}

/**
 * Steps that others did are found by the builder, and may go before it comes to use them: their app was built again, or removed.
 * The next attempt does them itself.
 */
async function persistently(attempt: () => Promise<string>): Promise<string> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof StepGone) || attempts === mostAttempts) throw error
    }
  }
}

type Steps = { network: string; limits: Limits; stages: StageEnds }

async function runBuild(deps: DockerDeps, build: DockerfileBuild, steps: Steps, signal: AbortSignal) {
  const options = { ...buildOptions(build, steps), abortSignal: signal }
  const output = await deps.docker
    .buildImage(await build.context(), options)
    .then((stream) => stream as Readable, refused)
  const hangUp = () => output.destroy()
  signal.addEventListener('abort', hangUp)
  try {
    return await followBuild(output, steps.stages, build.onOutput)
  } finally {
    signal.removeEventListener('abort', hangUp)
    output.destroy()
  }
}

/** No labels: the builder would make a step, with a container and a layer, of each. */
function buildOptions({ noCache }: DockerfileBuild, { network, limits }: Steps) {
  const memory = limits.memoryMiB * 2 ** 20
  return {
    version: '1' as const,
    nocache: noCache,
    rm: true,
    forcerm: true,
    networkmode: network,
    memory,
    memswap: memory,
    shmsize: sharedMemory(memory),
    cpuperiod: cpuPeriod,
    cpuquota: Math.round(limits.cpus * cpuPeriod),
  }
}

function ownLabels(serverId: string, appId: string) {
  return { [label.server]: serverId, [label.kind]: 'image' satisfies Kind, [label.app]: appId }
}

async function followBuild(output: Readable, stages: StageEnds, onOutput: (chunk: Buffer) => void): Promise<string> {
  let step = ''
  let digest: string | undefined
  for await (const { stream, status, error, aux } of readJsonLines<Progress>(output)) {
    if (error !== undefined) throw failure(step, withoutAnswer(error))
    refuseFetches(stream ?? '')
    if (stream?.startsWith('Step ')) step = stream.trim()
    stages.read(stream ?? '')
    digest = aux?.ID ?? digest
    const text = stream ?? (status === undefined ? '' : `${status}\n`)
    if (text !== '') onOutput(Buffer.from(text))
  }
  return digest ?? brokenOff()
}

function brokenOff(): never {
  throw new PaasError('engine_unavailable', 'The connection to Docker broke while a Dockerfile was built.')
}

/** The engine answers 400 for a Dockerfile it cannot parse. */
function refused(cause: unknown): never {
  if (!(cause instanceof EngineRefusal) || cause.statusCode !== 400) throw cause
  throw new PaasError('build_failed', cause.reason, { cause })
}

class StepGone extends PaasError {
  constructor(step: string, error: string) {
    super('build_failed', `${step}: ${error}`)
  }
}

function failure(step: string, error: string): PaasError {
  if (/no space left on device/i.test(error)) {
    return new PaasError('disk_full', "The disk that holds Docker's data is full.", { cause: new Error(error) })
  }
  const base = /^Step \d+\/\d+ : FROM (\S+)/i.exec(step)?.[1]
  if (/(unable to find image|No such image:) "?sha256:/i.test(error)) return new StepGone(step, error)
  if (base) {
    return new PaasError('build_failed', `The Dockerfile's base image ${base} cannot be had: ${error}`)
  }
  return new PaasError('build_failed', `${step === '' ? 'The Dockerfile' : step}: ${error}`)
}
