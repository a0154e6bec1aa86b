import type { Dyno } from '../engine/engine.ts'
import { isAlone } from '../model/volume.ts'
import { bringBack } from './bring-back.ts'
import type { Deployable, WantedDyno } from './deployable.ts'
import { holdsRequests, makeWay, writersBefore } from './make-way.ts'
import type { DynoParts } from './parts.ts'
import { discard, startDynos, type Starting } from './start-dynos.ts'

/**
 * Starts dynos and waits until every one is ready, beside those that they are to replace; but where
 * one has a volume that only one at a time may write, that of before (`writers`) is stopped first,
 * after all others are ready.
 * @throws boot_failed, volume_in_use; then what was stopped for them runs again.
 *   release_superseded: then the newer release has to follow at once
 */
export async function startInPlace(
  parts: DynoParts,
  deployable: Deployable,
  wanted: WantedDyno[],
  options: Starting,
): Promise<{ dynos: Dyno[]; writers: Dyno[] }> {
  const { app } = deployable
  const writers = await writersBefore(parts, app, wanted)
  if (writers.length === 0) return { dynos: await startBeside(parts, deployable, wanted, options), writers }
  const volumes = parts.store.volumes.list(app.id)
  const alone = wanted.filter(({ type }) => isAlone(volumes, type))
  const others = await startDynos(
    parts,
    deployable,
    wanted.filter((want) => !alone.includes(want)),
    options,
  )
  try {
    await makeWay(parts, app, writers, options.narrator)
    return { dynos: [...others, ...(await startDynos(parts, deployable, alone, options))], writers }
  } catch (cause) {
    await discard(parts, others)
    await bringBack(parts, { ...deployable, cause, dynos: [], ...options })
    throw cause
  }
}

/** A release that gave way to this one may have stopped what served already. */
async function startBeside(
  parts: DynoParts,
  deployable: Deployable,
  wanted: WantedDyno[],
  options: Starting,
): Promise<Dyno[]> {
  try {
    return await startDynos(parts, deployable, wanted, options)
  } catch (cause) {
    if (holdsRequests(parts, deployable.app)) await bringBack(parts, { ...deployable, cause, dynos: [], ...options })
    throw cause
  }
}
