import type { Registries } from '../../model/network.ts'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Engine, Image, Sandbox } from '../../engine/engine.ts'
import { PaasError } from '../../errors.ts'
import type { AppId } from '../../model/ids.ts'
import { within } from '../../model/machine.ts'
import { ranOutOfMemory } from '../compile.ts'
import { sandboxLimits, type BuildLimits } from '../sandbox-limits.ts'
import { type BuildSandboxes } from '../sandboxes.ts'
import type { SourceFacts } from '../source.ts'
import { baseNames, type Toolbox } from '../toolbox.ts'
import { fillBase } from './base-images.ts'
import { explainFailure } from './explain.ts'
import { dockerfileOrder } from './order.ts'
import { StepLines } from './steps.ts'
import { VerdictReader } from './verdict.ts'

/**
 * Images of the app whose layers need not come again with a new one: the one before has most of
 * them.
 */
const rememberedImages = 2

export type DockerfileDeps = {
  engine: Pick<Engine, 'createSandbox' | 'listImages' | 'loadImage' | 'machine' | 'saveImage' | 'sharedLayers'>
  toolbox: Pick<Toolbox, 'baseImage' | 'builderImage'>
  sandboxes: Pick<BuildSandboxes, 'remove' | 'take'>
  registries: Registries
  build: BuildLimits & { cacheMiB: number }
}

type Wanted = {
  appId: AppId
  stack: string
  labels: Record<string, string>
  noCache: boolean
  /** The tree as it lies in a sandbox. */
  source: () => Promise<Readable>
  onOutput: (chunk: Buffer) => void
  onProgress: (line: string) => void
}

export type DockerfileImage = Image & { hasVolumes: boolean }

/** True when the commit has a Dockerfile and nothing asks for a buildpack. */
export function isDockerfileBuild({ root }: SourceFacts, installed: readonly string[] = []): boolean {
  return installed.length === 0 && root.has('Dockerfile') && !root.has('Procfile') && !root.has('.buildpacks')
}

/**
 * Builds the tree with its own Dockerfile, rootless in a sandbox.
 * @throws build_failed, rootless_forbidden
 */
export async function buildDockerfile(
  deps: DockerfileDeps,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<DockerfileImage> {
  let emptyCache = wanted.noCache
  for (const _ of [...baseNames, 'last']) {
    const { stack, onProgress } = wanted
    const how = { kind: 'dockerfile' as const, stack, emptyCache, onProgress }
    const surroundings = lookAround(deps, wanted.appId)
    surroundings.catch(() => undefined)
    const sandbox = await deps.sandboxes.take(wanted.appId, how, signal)
    const result = await attempt(deps, wanted, { sandbox, surroundings }, signal)
    if ('image' in result) return result.image
    await fillBase(deps, result.base, wanted.onProgress, signal)
    emptyCache = false
  }
  throw new PaasError('internal', 'The base images for Dockerfiles were added, but are missing again.')
}

type Surroundings = { engineLayers: string[][]; jobs: number }
type Place = { sandbox: Sandbox; surroundings: Promise<Surroundings> }

async function attempt(deps: DockerfileDeps, wanted: Wanted, { sandbox, surroundings }: Place, signal: AbortSignal) {
  const reader = new VerdictReader()
  const lines = new StepLines(wanted.onOutput)
  let finished: Promise<unknown> | undefined
  try {
    const { engineLayers, jobs } = await surroundings
    const source = await wanted.source()
    const order = dockerfileOrder({
      source,
      registries: deps.registries,
      engineLayers,
      jobs,
      cacheMiB: deps.build.cacheMiB,
    })
    const onOutput = (chunk: Buffer, stream: 'stdout' | 'stderr') =>
      stream === 'stdout' ? lines.feed(chunk) : reader.feed(chunk)
    const running = sandbox.run(order, onOutput, signal)
    running.then(
      () => reader.end(),
      (error: Error) => reader.end(error),
    )
    const verdict = await reader.verdict
    lines.end()
    if (verdict.kind === 'base') return { base: verdict.name }
    if (verdict.kind !== 'image') throw await failure(deps, reader, running)
    const { appId, labels } = wanted
    const { diskMiB } = sandboxLimits(deps.build)
    const image = await deps.engine.loadImage({ archive: reader.rest, shared: engineLayers, appId, labels, diskMiB })
    // From here on the sandbox only cleans up for the next build.
    finished = running.then(({ exit }) => exit())
    return { image }
  } finally {
    deps.sandboxes.remove(wanted.appId, sandbox, finished)
  }
}

/** What a builder is told of this machine. */
async function lookAround({ engine, toolbox, build }: DockerfileDeps, appId: AppId): Promise<Surroundings> {
  const [images, machine, ...bases] = await Promise.all([
    engine.listImages({ appId }),
    engine.machine(),
    ...baseNames.map((name) => toolbox.baseImage(name)),
  ])
  const engineLayers = await engine.sharedLayers(
    [...bases, ...images.slice(0, rememberedImages)].map(({ digest }) => digest),
  )
  return { engineLayers, jobs: Math.ceil(within(build, machine).cpus) }
}

async function failure(
  { build, engine, registries }: DockerfileDeps,
  { verdict, rest }: VerdictReader,
  running: ReturnType<Sandbox['run']>,
): Promise<PaasError> {
  const { kind } = await verdict
  const errors = await text(rest)
  const { code, outOfMemory } = await (await running).exit()
  if (outOfMemory) return ranOutOfMemory(within(build, await engine.machine()).memoryMiB)
  if (kind === 'forbidden')
    return new PaasError(
      'rootless_forbidden',
      'This machine does not allow unprivileged user namespaces, so Dockerfiles cannot be built.',
    )
  if (kind === 'failed') return explainFailure(errors, registries)
  return new PaasError('build_failed', `build failed: the builder exited with ${code} before the end of the build`)
}
