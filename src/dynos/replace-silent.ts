import { setTimeout as delay } from 'node:timers/promises'
import type { Dyno } from '../engine/engine.ts'
import { asPaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { isSilent } from '../model/dyno.ts'
import type { AppId } from '../model/ids.ts'
import type { DynoLog } from './dyno-log.ts'
import type { AppLocks } from '../app-lock.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import { replaceByFresh, type RestartDeps } from './restart.ts'
import type { Store } from '../store/store.ts'
import { BackOff } from './back-off.ts'
import { SilentDynos, type SilentDynosDeps } from './silent-dynos.ts'

export type ReplaceSilentDeps = RestartDeps &
  Omit<SilentDynosDeps, 'seconds' | 'suspects'> & {
    config: { silence: { seconds: number | undefined } }
    store: Pick<Store, 'dynoStates'>
    dynoLog: DynoLog
    locks: AppLocks
    platformLog: Pick<PlatformLog, 'api'>
    log: Logger
  }

/** Apps whose dynos are replaced at one time: a machine that is too busy for all of them is not helped by more. */
const mostAtOnce = 2

/**
 * Replaces web dynos that give no answer to anybody by fresh ones, until the signal. Where those do not come up either the old ones stay, since what
 * both wait for may come back; they are tried again later and later. An app that is being released is left alone.
 */
export async function replaceSilent(deps: ReplaceSilentDeps, signal: AbortSignal): Promise<void> {
  const { seconds } = deps.config.silence
  if (seconds === undefined) return
  using silent = new SilentDynos({ ...deps, seconds, suspects: silentOnRecord(deps.store) })
  const backOff = new BackOff<AppId>()
  const underWay = new Map<AppId, Promise<void>>()
  while (!signal.aborted) {
    await delay(silent.pace, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) break
    for (const [appId, dynos] of Map.groupBy(await lookAt(silent, deps.log), (dyno) => dyno.appId)) {
      for (const dyno of dynos) deps.dynoLog.silent(dyno, seconds)
      const isBusy = deps.locks.dynos.isHeld(appId) || deps.locks.releases.isHeld(appId)
      if (isBusy || backOff.isWaiting(appId) || underWay.has(appId) || underWay.size >= mostAtOnce) continue
      const done = replace(deps, appId, dynos, signal).finally(() => (underWay.delete(appId), backOff.note(appId)))
      underWay.set(appId, done)
    }
  }
  await Promise.all(underWay.values())
}

function silentOnRecord({ apps, dynoStates }: ReplaceSilentDeps['store']): string[] {
  const records = apps.listAll().flatMap(({ id }) => dynoStates.list(id))
  return records.filter(isSilent).map(({ id }) => id)
}

/** While the router or the engine is away nothing is known of anybody. */
async function lookAt(silent: SilentDynos, log: Logger): Promise<Dyno[]> {
  try {
    return await silent.look()
  } catch (error) {
    log.debug({ err: error }, 'silent dynos not looked for')
    return []
  }
}

async function replace(deps: ReplaceSilentDeps, appId: AppId, dynos: Dyno[], signal: AbortSignal): Promise<void> {
  const { locks, store, platformLog, log } = deps
  const names = dynos.map(({ name }) => name).join(', ')
  try {
    await locks.dynos.run(appId, async () => {
      const app = store.apps.get(appId)
      if (!app || app.destroying) return
      platformLog.api(appId, `Replacing ${names}, which gives no answer`)
      await replaceByFresh(deps, app, dynos, signal)
    })
  } catch (cause) {
    if (signal.aborted) return
    const error = asPaasError(cause)
    if (error.fault === 'server') log.warn({ app: appId, err: cause }, 'silent dynos not replaced')
    platformLog.api(appId, `${names} not replaced: ${error.message}. Tried again later`)
  }
}
