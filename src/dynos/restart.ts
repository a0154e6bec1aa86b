import type { Dyno } from '../engine/engine.ts'
import { asPaasError } from '../errors.ts'
import type { App } from '../model/app.ts'
import type { DynoSize } from '../model/formation.ts'
import { wantedDynos, type WantedDyno } from './deployable.ts'
import { silent } from '../model/narrator.ts'
import type { DynoParts } from './parts.ts'
import { comesBack, planDynos, type Plan } from './plan.ts'
import { currentDeployable, livingDynos, readyOnes } from './reconcile.ts'
import { bringBack } from './bring-back.ts'
import { startInPlace } from './start-in-place.ts'
import { takeOver } from './take-over.ts'

/**
 * Replaces dynos by new ones of the same release, without a gap: the new ones are ready, and have
 * held for a while, before the old ones leave service. Where they do not come up, or do not hold,
 * the old ones stay, and the app's log says so.
 * @param which a dyno (`web.1`), a process type (`web`), or null for all
 */
export async function restart(parts: DynoParts, app: App, which: string | null, signal: AbortSignal): Promise<void> {
  const isMeant = ({ name, type }: { name: string; type: string }) => which === null || which === name || which === type
  const plan: Replacement['plan'] = (wanted, present) => planDynos(wanted, present, isMeant)
  await orSayWhyNot(parts, { app, what: 'Restart' }, () => replaceDynos(parts, app, { plan, signal }))
}

/** Does the same with those that run in another size than they should. */
export async function resize(parts: DynoParts, app: App, signal: AbortSignal): Promise<void> {
  await orSayWhyNot(parts, { app, what: 'Resize' }, () => resizeDynos(parts, app, signal))
}

/** Nobody waits for it, so the app's own failures go to its log. */
async function orSayWhyNot(
  { platformLog }: Pick<DynoParts, 'platformLog'>,
  { app, what }: { app: App; what: string },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (cause) {
    const error = asPaasError(cause)
    if (error.fault === 'server') throw cause
    platformLog.api(app.id, `${what} failed: ${error.message}`)
  }
}

/** Replaces these dynos, as far as they are of the formation. @throws boot_failed */
export async function replaceByFresh(parts: DynoParts, app: App, dynos: Dyno[], signal: AbortSignal): Promise<void> {
  const isMeant = ({ id }: Dyno): boolean => dynos.some((dyno) => dyno.id === id)
  await replaceDynos(parts, app, { plan: (wanted, present) => planDynos(wanted, present, isMeant), signal })
}

/**
 * Where the new ones do not come up, or do not hold, the size of their type is what it was.
 * @throws boot_failed
 */
async function resizeDynos(parts: DynoParts, app: App, signal: AbortSignal): Promise<void> {
  let old: Dyno[] = []
  const plan = (wanted: WantedDyno[], present: Present): Plan => {
    const { keep, start, stop } = planDynos(wanted, present)
    old = stop.filter((dyno) => dyno.release === present.version && comesBack(dyno) && isNamedIn(start, dyno))
    return { keep, start: start.filter((want) => isNamedIn(old, want)), stop: old }
  }
  try {
    await replaceDynos(parts, app, { plan, signal })
  } catch (cause) {
    if (asPaasError(cause).fault !== 'server') takeSizesBack(parts, app, old)
    throw cause
  }
}

function takeSizesBack({ store }: DynoParts, { id }: App, dynos: Dyno[]): void {
  const sizes = new Map(dynos.map(({ type, size }) => [type, size as DynoSize]))
  const present = store.formations.list(id).filter(({ type }) => sizes.has(type))
  store.formations.scale(
    id,
    present.map(({ type, quantity, size }) => ({ type, quantity, size: sizes.get(type) ?? size })),
  )
}

function isNamedIn(others: { name: string }[], { name }: { name: string }): boolean {
  return others.some((other) => other.name === name)
}

type Present = { version: number; dynos: Dyno[] }
type Replacement = { plan: (wanted: WantedDyno[], present: Present) => Plan; signal: AbortSignal }

async function replaceDynos(parts: DynoParts, app: App, { plan, signal }: Replacement): Promise<void> {
  const deployable = currentDeployable(parts.store, app)
  if (!deployable) return
  const wanted = wantedDynos(parts.store, deployable)
  const present = { version: deployable.release.version, dynos: await livingDynos(parts, app) }
  const { keep, start, stop } = plan(wanted, present)
  if (start.length === 0) return // the reconciler removes surplus dynos
  const options = { narrator: silent, signal }
  const { dynos, writers } = await startInPlace(parts, deployable, start, options)
  const wantsWeb = wanted.some(({ type }) => type === 'web')
  const kept = await readyOnes(parts, keep)
  try {
    await takeOver(parts, { deployable, dynos, kept, wantsWeb }, options)
  } catch (cause) {
    if (writers.length > 0) await bringBack(parts, { app, dynos, ...options })
    throw cause
  }
  parts.retirement.retire(stop.filter(({ id }) => !writers.some((writer) => writer.id === id)))
}
