import type { Semaphore } from 'async-mutex'
import { setTimeout as delay } from 'node:timers/promises'
import { asPaasError, PaasError } from '../errors.ts'
import { isFinished, type Build } from '../model/build.ts'
import type { BuildId } from '../model/ids.ts'
import { createBuildOutput } from '../build/output.ts'
import type { OutputWriters } from '../queue/output-writer.ts'
import type { Store } from '../store/store.ts'
import { endOutputs, watchForCancel } from './cancel.ts'
import { buildPhases, type BuildRun, type PhaseDeps } from './build-phases.ts'
import type { BuildMeter } from './measure-builds.ts'
import { fail, letGo, succeed, type VerdictDeps } from './verdict.ts'

export type RunBuildDeps = PhaseDeps &
  VerdictDeps & {
    outputs: OutputWriters
    /** How many builds of all apps compile at once. */
    slots: Semaphore
    buildMeter: Pick<BuildMeter, 'record'>
  }

/** A build is left as it is, to be taken up by the next worker. */
export const shutdown = Symbol('the server stops')

/** A build that takes the server down with it must not do so for ever. */
const mostAttempts = 10

/** How often, and for how long in milliseconds, a build waits for an engine that went away under it. */
const engineLoss = { mostRetries: 3, patience: 120_000, pause: 1000 }

/**
 * Takes a build from its commit to serving, one build per app at a time and in the order they came. Comes to a verdict whatever
 * happens; only a server that stops leaves it to the next one. A build somebody else has finished is left alone.
 */
export async function runBuild(deps: RunBuildDeps, buildId: BuildId, stop: AbortController): Promise<void> {
  const queued = deps.store.builds.find(buildId)
  if (!queued) return
  await endOutputs(deps, queued.appId)
  await deps.locks.builds.run(queued.appId, async () => {
    const [, freeSlot] = await deps.slots.acquire()
    try {
      if (stop.signal.reason === shutdown) return
      const build = deps.store.builds.claim(buildId)
      if (build) await attempt(deps, build, { stop, freeSlot })
      else await endOvertaken(deps, queued)
    } finally {
      freeSlot()
    }
  })
}

/** While this build waited for its turn, it was superseded or cancelled: nobody else ends what its readers wait for. */
async function endOvertaken(deps: RunBuildDeps, queued: Build): Promise<void> {
  if (isFinished(queued.state)) return
  await endOutputs(deps, queued.appId)
  if (queued.releaseId) await deps.outputs.closeBegun(queued.releaseId)
  await letGo(deps, queued)
}

async function attempt(
  deps: RunBuildDeps,
  build: Build,
  { stop, freeSlot }: { stop: AbortController; freeSlot: () => void },
): Promise<void> {
  const { signal } = stop
  await using writer = deps.outputs.open(build.id)
  const config = deps.store.configVars.get(build.appId)
  const output = createBuildOutput({ write: (text) => writer.write(text), config })
  const run: BuildRun = { build, output, phases: {}, signal, compiled: freeSlot }
  using _ = watchForCancel(deps, build, stop)
  if (build.generation > 1) output.topic('The build began again: the server was interrupted.')
  const failure = await failureOf(signal, async () => {
    if (build.generation > mostAttempts && !isLive(deps.store, build)) throw interruptedTooOften()
    await throughLossOfEngine(deps, run, () => buildPhases(deps, run))
  })
  if (failure && signal.reason === shutdown) return
  freeSlot()
  if (failure) await failWith(deps, run, failure)
  else await succeed(deps, run)
  deps.buildMeter.record(verdictOf(failure), run.phases)
  output.end()
  await writer.end()
  await letGo(deps, build)
}

/** A dead worker may have begun its release command, and whoever reads the output of that waits for the end. */
async function failWith(deps: RunBuildDeps, run: BuildRun, failure: PaasError): Promise<void> {
  await fail(deps, run, failure)
  const releaseId = deps.store.builds.find(run.build.id)?.releaseId
  if (releaseId) await deps.outputs.closeBegun(releaseId)
}

function verdictOf(failure: PaasError | undefined): 'succeeded' | 'failed' | 'cancelled' {
  if (failure === undefined) return 'succeeded'
  return failure.code === 'build_cancelled' ? 'cancelled' : 'failed'
}

/** What made the work fail; when it was told to stop, the reason it was given. */
async function failureOf(signal: AbortSignal, work: () => Promise<void>): Promise<PaasError | undefined> {
  try {
    await work()
    return undefined
  } catch (thrown) {
    return asPaasError(signal.aborted && signal.reason !== shutdown ? signal.reason : thrown)
  }
}

/** Each phase that was complete is on record, so the phases may be gone through again. */
async function throughLossOfEngine(
  { engine, log, store }: Pick<RunBuildDeps, 'engine' | 'log' | 'store'>,
  run: BuildRun,
  work: () => Promise<void>,
): Promise<void> {
  for (let attempts = 0; ; attempts++) {
    try {
      return await work()
    } catch (thrown) {
      const { code } = asPaasError(thrown)
      if (code !== 'engine_unavailable' || attempts === engineLoss.mostRetries || run.signal.aborted) throw thrown
      log.warn({ build: run.build.id, err: thrown }, 'engine lost in a build')
      run.output.topic('Waiting for the container engine...')
      await until(() => engine.info(), thrown, run.signal)
      run.output.topic('The build began again: the container engine was interrupted.')
      run.build = store.builds.find(run.build.id) ?? run.build
    }
  }
}

/** Past the commit point only the verdict is missing. */
function isLive({ releases }: Pick<Store, 'releases'>, { releaseId }: Build): boolean {
  return releaseId !== null && releases.find(releaseId)?.state.kind === 'succeeded'
}

function interruptedTooOften(): PaasError {
  return new PaasError('internal', `The server was interrupted in each of ${mostAttempts} attempts at this build.`)
}

async function until(works: () => Promise<unknown>, lost: unknown, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + engineLoss.patience
  for (;;) {
    try {
      await works()
      return
    } catch {
      if (performance.now() > deadline) throw lost
      await delay(engineLoss.pause, undefined, { signal })
    }
  }
}
