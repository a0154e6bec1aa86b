import type { Semaphore } from 'async-mutex'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { asPaasError, PaasError } from '../errors.ts'
import { buildVersion, isFinished, type Build } from '../model/build.ts'
import type { BuildId } from '../model/ids.ts'
import { createNarrator } from '../output/narrate.ts'
import type { OutputWriters } from '../model/output.ts'
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
    /** Of all slots. */
    slotCount: number
    buildMeter: Pick<BuildMeter, 'record'>
  }

/** A build is left as it is, to be taken up by the next worker. */
export const shutdown = Symbol('the server stops')

/** A build must not be begun for ever, whatever keeps it from a verdict; least of all one that takes the worker down with it. */
const mostAttempts = 10
const mostLosses = 2

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
    const freeSlot = await takeSlot(deps, queued, stop)
    try {
      if (stop.signal.reason === shutdown) return
      const build = deps.store.builds.claim(buildId)
      if (build) await hold(deps, build, { stop, freeSlot })
      else await endOvertaken(deps, queued)
    } finally {
      freeSlot()
    }
  })
}

/**
 * One that a worker was lost with may be why: it is built alone, so that no other one is blamed the next time. One that is told to stop
 * has nothing to build, and waits for no slot.
 * @returns what frees the slot
 */
async function takeSlot(deps: RunBuildDeps, queued: Build, stop: AbortController): Promise<() => void> {
  using _ = watchForCancel(deps, queued, stop)
  const slot = deps.slots.acquire(queued.losses > 0 ? deps.slotCount : 1)
  const { signal } = stop
  const told = signal.aborted ? undefined : once(signal, 'abort').then(() => undefined)
  const taken = await Promise.race([slot, told])
  if (taken) return taken[1]
  void slot.then(([, free]) => free())
  return () => undefined
}

type Hold = { stop: AbortController; freeSlot: () => void }

async function hold(deps: RunBuildDeps, build: Build, held: Hold): Promise<void> {
  try {
    await attempt(deps, build, held)
  } finally {
    deps.store.builds.giveBack(build.id, build.generation)
  }
}

/** While this build waited for its turn, it was superseded or cancelled: nobody else ends what its readers wait for. */
async function endOvertaken(deps: RunBuildDeps, queued: Build): Promise<void> {
  if (isFinished(queued.state)) return
  await endOutputs(deps, queued.appId)
  if (queued.releaseId) await deps.outputs.closeBegun(queued.releaseId)
  await letGo(deps, queued)
}

async function attempt(deps: RunBuildDeps, build: Build, { stop, freeSlot }: Hold): Promise<void> {
  const { signal } = stop
  await using writer = deps.outputs.open(build.id)
  const config = deps.store.configVars.get(build.appId)
  const output = createNarrator({ write: (text) => writer.write(text), config })
  const run: BuildRun = { build, output, phases: {}, signal, compiled: build.losses > 0 ? () => undefined : freeSlot }
  using _ = watchForCancel(deps, build, stop)
  if (build.generation > 1) output.topic('The build began again: the server was interrupted.')
  const failure = await failureOf(signal, async () => {
    refuseHopeless(deps, build)
    if (!isLive(deps.store, build)) signal.throwIfAborted()
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

/** @throws build_lost, internal */
function refuseHopeless({ store }: Pick<RunBuildDeps, 'store'>, build: Build): void {
  if (isLive(store, build)) return
  const version = buildVersion(build)
  if (build.losses >= mostLosses) {
    throw new PaasError(
      'build_lost',
      `The worker ended ${mostLosses} times while it built ${version}, so it is not built again.`,
    )
  }
  if (build.generation > mostAttempts) {
    throw new PaasError('internal', `The server was interrupted in each of ${mostAttempts} attempts at this build.`)
  }
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
