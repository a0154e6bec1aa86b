import { setTimeout as delay } from 'node:timers/promises'
import type { AppLock } from '../app-lock.ts'
import type { Dyno } from '../engine/engine.ts'
import { asPaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { isSilent } from '../model/dyno.ts'
import type { AppId } from '../model/ids.ts'
import { BackOff } from './back-off.ts'
import type { DynoParts } from './parts.ts'
import { replaceByFresh } from './restart.ts'
import { SilentDynos } from './silent-dynos.ts'

type Options = { seconds: number; turns: AppLock; isBusy: (appId: AppId) => boolean }

/**
 * Apps whose dynos are replaced at one time: a machine that is too busy for all of them is not
 * helped by more.
 */
const mostAtOnce = 2

/**
 * Replaces web dynos that give no answer to anybody by fresh ones, until the signal. Where those do
 * not come up either the old ones stay, since what both wait for may come back; they are tried
 * again later and later. An app that is being released is left alone.
 */
export async function replaceSilent(
  parts: DynoParts,
  { seconds, turns, isBusy }: Options,
  signal: AbortSignal,
): Promise<void> {
  using silent = new SilentDynos({ ...parts, seconds, suspects: silentOnRecord(parts.store) })
  const backOff = new BackOff<AppId>()
  const underWay = new Map<AppId, Promise<void>>()
  while (!signal.aborted) {
    await delay(silent.pace, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) break
    for (const [appId, dynos] of Map.groupBy(await lookAt(silent, parts.log), (dyno) => dyno.appId)) {
      for (const dyno of dynos) parts.dynoLog.silent(dyno, seconds)
      if (isBusy(appId) || backOff.isWaiting(appId) || underWay.has(appId) || underWay.size >= mostAtOnce) continue
      const work = (): Promise<void> => replace(parts, appId, dynos, signal)
      const done = orSayWhyNot(parts, { appId, dynos, signal }, () => turns.run(appId, work)).finally(
        () => (underWay.delete(appId), backOff.note(appId)),
      )
      underWay.set(appId, done)
    }
  }
  await Promise.all(underWay.values())
}

function silentOnRecord({ apps, dynoStates }: DynoParts['store']): string[] {
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

async function replace(parts: DynoParts, appId: AppId, dynos: Dyno[], signal: AbortSignal): Promise<void> {
  const app = parts.store.apps.get(appId)
  if (!app || app.destroying) return
  parts.platformLog.api(appId, `Replacing ${namesOf(dynos)}, which does not respond`)
  await replaceByFresh(parts, app, dynos, signal)
}

async function orSayWhyNot(
  { platformLog, log }: DynoParts,
  { appId, dynos, signal }: { appId: AppId; dynos: Dyno[]; signal: AbortSignal },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (cause) {
    if (signal.aborted) return
    const error = asPaasError(cause)
    if (error.fault === 'server') log.warn({ app: appId, err: cause }, 'silent dynos not replaced')
    platformLog.api(appId, `${namesOf(dynos)} not replaced: ${error.message}. Trying again later`)
  }
}

function namesOf(dynos: Dyno[]): string {
  return dynos.map(({ name }) => name).join(', ')
}
