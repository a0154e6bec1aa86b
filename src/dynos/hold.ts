import { setTimeout as delay } from 'node:timers/promises'
import type { Dyno, Engine } from '../engine/engine.ts'
import type { DynoExit } from '../model/dyno-exit.ts'
import type { DynoExits } from './dyno-exits.ts'

export type HoldDeps = {
  engine: Pick<Engine, 'findDyno'>
  exits: Pick<DynoExits, 'last' | 'next'>
  deployHold: { seconds: number }
}

/** A dyno that died during the hold, with its exit if it was seen. */
export type Fallen = { dyno: Dyno; exit: DynoExit | undefined }

/**
 * Watches dynos that were ready and never ended until now. Resolves as soon as one ends, whether it
 * is started again or not; with nothing when all of them, asked of the engine too, are still in
 * their first run after the time. Rejects with the signal's reason.
 */
export async function hold(
  { engine, exits, deployHold }: HoldDeps,
  dynos: Dyno[],
  signal: AbortSignal,
): Promise<Fallen | undefined> {
  if (dynos.length === 0 || deployHold.seconds === 0) return undefined
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const fall = async (dyno: Dyno): Promise<Fallen> => {
    return { dyno, exit: exits.last(dyno.id) ?? (await exits.next(dyno.id, either)) }
  }
  try {
    const time = delay(deployHold.seconds * 1000, undefined, { signal: either })
    const fallen = await Promise.race([...dynos.map(fall), time])
    return fallen ?? (await findFallen({ engine, exits }, dynos))
  } finally {
    over.abort()
  }
}

/** An engine that was away told nobody of an end. */
async function findFallen({ engine, exits }: Pick<HoldDeps, 'engine' | 'exits'>, dynos: Dyno[]) {
  const found = await Promise.all(dynos.map(({ id }) => engine.findDyno(id)))
  const dyno = dynos.find((_, index) => found[index]?.state.kind !== 'running' || found[index].restarts > 0)
  return dyno && { dyno, exit: exits.last(dyno.id) }
}
