import type { Readable } from 'node:stream'
import { PaasError } from '../../errors.ts'
import type { DockerfileBuild, Image } from '../engine.ts'
import { label, type Kind } from '../labels.ts'
import type { DockerDeps } from './client.ts'
import { findImage } from './images.ts'
import { imageName } from './names.ts'
import { ensureNetwork, type PendingNetworks } from './networks.ts'
import { readJsonLines, type Progress } from './json-lines.ts'
import { limitSteps } from './step-limit.ts'

/** CPU time is given out in periods of 100 ms (Docker's default for --cpus). */
const cpuPeriod = 100_000

/**
 * Builds the Dockerfile in the root of `context` with the engine's own builder. Its steps run as the Dockerfile
 * says, in the app's build network and under the limits. Closing the connection makes the engine stop the build.
 * @throws build_failed with the step that failed
 */
export async function buildDockerfile(
  deps: DockerDeps & { pending: PendingNetworks },
  build: DockerfileBuild,
  signal: AbortSignal,
): Promise<Image> {
  const ended = new AbortController()
  const either = AbortSignal.any([signal, ended.signal])
  try {
    const network = await ensureNetwork(deps, build.appId, 'build')
    const limited = limitSteps(deps, network, build.limits.pids, either)
    const digest = await Promise.race([runBuild(deps, build, network, either), limited.then(() => brokenOff())])
    const image = await findImage(deps, digest)
    if (image) return image
    throw new PaasError('internal', `The image ${digest} was built and is gone.`)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    ended.abort()
  }
}

async function runBuild(deps: DockerDeps, build: DockerfileBuild, network: string, signal: AbortSignal) {
  const options = { ...buildOptions(deps, build, network), abortSignal: signal }
  const output = (await deps.docker.buildImage(build.context, options)) as Readable
  const hangUp = () => output.destroy()
  signal.addEventListener('abort', hangUp)
  try {
    return await followBuild(output, build.onOutput)
  } finally {
    signal.removeEventListener('abort', hangUp)
    output.destroy()
  }
}

function buildOptions(deps: DockerDeps, build: DockerfileBuild, network: string) {
  const memory = build.limits.memoryMiB * 2 ** 20
  return {
    version: '1' as const,
    t: imageName(deps.serverId),
    labels: { ...build.labels, ...imageLabels(deps.serverId, build.appId) },
    nocache: build.noCache,
    rm: true,
    forcerm: true,
    networkmode: network,
    memory,
    memswap: memory,
    cpuperiod: cpuPeriod,
    cpuquota: Math.round(build.limits.cpus * cpuPeriod),
  }
}

function imageLabels(serverId: string, appId: string) {
  return { [label.server]: serverId, [label.kind]: 'image' satisfies Kind, [label.app]: appId }
}

async function followBuild(output: Readable, onOutput: (chunk: Buffer) => void): Promise<string> {
  let step = ''
  let digest: string | undefined
  for await (const { stream, status, error, aux } of readJsonLines<Progress>(output)) {
    if (error !== undefined) throw failure(step, error)
    if (stream?.startsWith('Step ')) step = stream.trim()
    if (aux?.ID) digest = aux.ID
    const text = stream ?? (status === undefined ? '' : `${status}\n`)
    if (text !== '') onOutput(Buffer.from(text))
  }
  return digest ?? brokenOff()
}

function brokenOff(): never {
  throw new PaasError('engine_unavailable', 'The connection to Docker broke while a Dockerfile was built.')
}

function failure(step: string, error: string): PaasError {
  if (/no space left on device/i.test(error)) {
    return new PaasError('disk_full', "The disk that holds Docker's data is full.", { cause: new Error(error) })
  }
  const base = /^Step \d+\/\d+ : FROM (\S+)/i.exec(step)?.[1]
  if (base) {
    return new PaasError('build_failed', `The Dockerfile's base image ${base} cannot be had: ${error.trim()}`)
  }
  return new PaasError('build_failed', `${step === '' ? 'The Dockerfile' : step}: ${error.trim()}`)
}
