import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { AppLock } from '../app-lock.ts'
import type { Dyno } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { isOneOff } from '../model/dyno.ts'
import type { AppVolume } from '../model/volume.ts'
import type { DynoParts } from './parts.ts'

/** Half of what a visitor may wait for an answer (H12). */
const longestPause = 15_000

type Used = Pick<DynoParts, 'engine' | 'log'>

/**
 * A tar of a volume as it is at one moment, in the app's turn, so that nobody takes the dynos for
 * stuck. A worker that ends meanwhile leaves them paused to the next one, which replaces them.
 * @throws volume_missing
 */
export async function readStill(
  parts: Used,
  turns: AppLock,
  volume: AppVolume,
  signal: AbortSignal,
): Promise<Readable> {
  const opened = Promise.withResolvers<Readable>()
  const turn = turns.run(volume.appId, async () => {
    signal.throwIfAborted()
    const paused = await pause(parts, volume)
    try {
      const tar = await parts.engine.readVolume({ id: volume.data, owner: volume.appId }, signal)
      opened.resolve(tar)
      await (paused.length === 0 ? closed(tar) : closedInTime(tar))
    } finally {
      await Promise.all(paused.map(({ id }) => parts.engine.resumeDyno(id)))
    }
  })
  turn.catch((cause: unknown) => opened.reject(cause))
  return opened.promise
}

/** Those that may write to it, as far as they run. */
async function pause({ engine }: Used, { appId, types, data }: AppVolume): Promise<Dyno[]> {
  const dynos = await engine.listDynos({ appId })
  const writers = dynos.filter((dyno) => isOneOff(dyno) || types.includes(dyno.type) || dyno.writes?.includes(data))
  const paused: Dyno[] = []
  try {
    for (const dyno of writers)
      if (dyno.state.kind === 'running' && (await engine.pauseDyno(dyno.id))) paused.push(dyno)
    return paused
  } catch (cause) {
    await Promise.all(paused.map(({ id }) => engine.resumeDyno(id)))
    throw cause
  }
}

async function closedInTime(tar: Readable): Promise<void> {
  const timer = setTimeout(() => {
    const waited = `its dynos could not be paused for longer than ${longestPause / 1000} s`
    tar.destroy(new PaasError('volume_changing', `The volume could not be copied as it is: ${waited}.`))
  }, longestPause)
  await closed(tar).finally(() => clearTimeout(timer))
}

async function closed(tar: Readable): Promise<void> {
  if (tar.closed) return
  await Promise.race([once(tar, 'close'), finished(tar)]).catch(() => undefined)
}
