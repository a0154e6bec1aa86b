import { asPaasError, PaasError } from '../errors.ts'
import { buildVersion, type Build } from '../model/build.ts'
import { PhaseClock } from '../model/phase-clock.ts'
import { shutdown } from '../model/stop-reasons.ts'
import { createNarrator } from '../output/narrate.ts'
import { Pulse } from '../output/pulse.ts'
import type { Store } from '../store/store.ts'
import { watchForCancel } from './cancel.ts'
import { throughLossOfEngine } from './engine-loss.ts'
import { makeSlug } from './make-slug.ts'
import type { BuildRun, BuildParts } from './parts.ts'
import { fail, letGo, succeed } from './verdict.ts'

/** The number of attempts at a build is limited, especially for one that crashes the worker. */
const mostAttempts = 10
const mostLosses = 2

type Hold = { stop: AbortController; closing: AbortSignal; freeSlot: () => void }

/**
 * One attempt at a build that this process has claimed, to its verdict, or until the server stops.
 */
export async function attempt(parts: BuildParts, build: Build, { stop, closing, freeSlot }: Hold): Promise<void> {
  const { signal } = stop
  try {
    await using writer = parts.outputs.open(build.id)
    const config = parts.store.configVars.get(build.appId)
    using pulse = new Pulse((text) => writer.write(text))
    const output = createNarrator({ write: pulse.write, config })
    const compiled = build.losses > 0 ? () => undefined : freeSlot
    const run: BuildRun = { build, output, clock: clockOf(build), facts: {}, signal, closing, compiled }
    using _ = watchForCancel(parts, build, stop)
    if (build.generation > 1) output.topic('The build was restarted: the server was interrupted.')
    const failure = await failureOf(signal, () => buildAndRelease(parts, run))
    if (failure && signal.reason === shutdown) return
    freeSlot()
    await conclude(parts, run, failure)
    output.end()
    pulse[Symbol.dispose]()
    await writer.end()
    await letGo(parts, build)
  } finally {
    parts.store.builds.giveBack(build.id, build.generation)
  }
}

/** The first attempt began when the build had its turn. */
function clockOf({ createdAt, generation }: Build): PhaseClock {
  const clock = new PhaseClock()
  if (generation === 1) clock.add({ queue: Math.max(0, Date.now() - createdAt.getTime()) })
  return clock
}

/** What an earlier attempt completed is not done again. */
async function buildAndRelease(parts: BuildParts, run: BuildRun): Promise<void> {
  refuseHopeless(parts, run.build)
  if (!isLive(parts.store, run.build)) run.signal.throwIfAborted()
  await throughLossOfEngine(parts, run, async () => {
    const { app, slug } = await makeSlug(parts, run)
    run.compiled()
    const { build, output: narrator, clock, signal } = run
    await parts.releases.releaseBuild({ app, build, slug }, { narrator, clock, signal })
  })
}

async function conclude(parts: BuildParts, run: BuildRun, failure: PaasError | undefined): Promise<void> {
  if (failure) await failWith(parts, run, failure)
  else await succeed(parts, run)
  parts.meter.record(verdictOf(failure), run.clock.times)
}

/**
 * A dead worker may have started its release command, and readers of its output wait for the end.
 */
async function failWith(parts: BuildParts, run: BuildRun, failure: PaasError): Promise<void> {
  await fail(parts, run, failure)
  const releaseId = parts.store.builds.find(run.build.id)?.releaseId
  if (releaseId) await parts.outputs.closeBegun(releaseId)
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

/** Past the commit point only the verdict is missing. */
function isLive({ releases }: Pick<Store, 'releases'>, { releaseId }: Build): boolean {
  return releaseId !== null && releases.find(releaseId)?.state.kind === 'succeeded'
}

/** @throws build_lost, internal */
function refuseHopeless({ store }: Pick<BuildParts, 'store'>, build: Build): void {
  if (isLive(store, build)) return
  const version = buildVersion(build)
  if (build.losses >= mostLosses) {
    throw new PaasError(
      'build_lost',
      `The worker was killed or crashed ${mostLosses} times while it built ${version}, so it is not built again.`,
    )
  }
  if (build.generation > mostAttempts) {
    throw new PaasError('internal', `The server was interrupted in each of ${mostAttempts} attempts at this build.`)
  }
}
