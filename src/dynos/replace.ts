import type { Dyno } from '../engine/engine.ts'
import { isOneOff } from '../model/dyno.ts'
import type { Narrator } from '../model/narrator.ts'
import { wantedDynos, type Deployable } from './deployable.ts'
import type { DynoParts } from './parts.ts'
import { bringBack } from './bring-back.ts'
import { holdsRequests } from './make-way.ts'
import { startInPlace } from './start-in-place.ts'
import { takeOver } from './take-over.ts'

/** The times of a deploy's phases, in milliseconds. */
export type DeployTimes = { boot: number; switch: number; hold: number }

export type Replacing = {
  narrator: Narrator
  signal: AbortSignal
  /** Whether a newer release waits, so that one that does not come up soon gives way to it. */
  isOvertaken?: (() => boolean) | undefined
  /**
   * Records that the release is current: called once its dynos have held. From there on nothing is
   * taken back.
   */
  commit: () => void
}

/** Replaces all dynos of an app by those of a release, as `Dynos.replace` says. */
export async function replace(
  parts: DynoParts,
  deployable: Deployable,
  { narrator, signal, isOvertaken, commit }: Replacing,
): Promise<DeployTimes> {
  const begin = performance.now()
  const wanted = wantedDynos(parts.store, deployable)
  using reserved = parts.quotas.reserveDynos(deployable.app, wanted.length - dynosOnRecord(parts, deployable))
  const wantsWeb = wanted.some(({ type }) => type === 'web')
  const previous = await presentDynos(parts, deployable)
  const { dynos, writers } = await startInPlace(parts, deployable, wanted, { narrator, signal, isOvertaken })
  const booted = performance.now()
  let switched = booted
  const onSwitch = (): void => {
    switched = performance.now()
    narrator.detail(`Released v${deployable.release.version}`)
  }
  const onHeld = (): void => {
    commit()
    reserved[Symbol.dispose]()
  }
  try {
    await takeOver(parts, { deployable, dynos, kept: [], wantsWeb }, { narrator, signal, onSwitch, commit: onHeld })
  } catch (cause) {
    if (writers.length > 0 || holdsRequests(parts, deployable.app))
      await bringBack(parts, { ...deployable, cause, dynos, narrator, signal })
    throw cause
  }
  parts.retirement.retire(previous.filter(({ id }) => !writers.some((writer) => writer.id === id)))
  return { boot: booted - begin, switch: switched - booted, hold: performance.now() - switched }
}

/** According to the current formation. */
function dynosOnRecord({ store }: Pick<DynoParts, 'store'>, { app }: Deployable): number {
  return store.formations.list(app.id).reduce((sum, { quantity }) => sum + quantity, 0)
}

/** What serves until now, and what an attempt of a dead worker may have started. */
async function presentDynos({ engine }: Pick<DynoParts, 'engine'>, { app }: Deployable): Promise<Dyno[]> {
  const dynos = await engine.listDynos({ appId: app.id })
  return dynos.filter((dyno) => !isOneOff(dyno))
}
