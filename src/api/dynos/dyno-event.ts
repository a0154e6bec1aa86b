import type { NewWebhookEvent } from '../../model/webhook.ts'
import { isOneOff, type DynoLife, type DynoRecord } from '../../model/dyno.ts'
import type { DynoNews } from '../../store/dyno-records.ts'
import { commandsOf } from './commands.ts'
import type { ApiDeps } from '../deps.ts'
import { dynoId } from './dyno-json.ts'
import { sizeName, uuidOf } from '../http/shapes.ts'

/**
 * What became of a dyno, in the form of https://devcenter.heroku.com/articles/webhook-dyno-events;
 * `error` is ours. Nobody in particular did it, so the actor is the server.
 */
export function dynoEvent(
  { store, config }: Pick<ApiDeps, 'store' | 'config'>,
  news: DynoNews,
): NewWebhookEvent | undefined {
  const { appId, action, dyno } = news
  const app = store.apps.get(appId)
  if (!app) return undefined
  const release = store.releases.findIn(appId, String(dyno.release))
  const state = shownState(dyno)
  const hasEnded = state === 'crashed' || action === 'destroy'
  return {
    appId,
    include: 'dyno',
    action,
    actor: { id: uuidOf('the server'), email: `noreply@${config.domain}` },
    data: {
      app: { id: app.id, name: app.name },
      // A one-off's command may hold secrets, and events are stored unencrypted.
      command: dyno.type === 'run' ? '' : (commandsOf(store, release?.id ?? null)[dyno.type] ?? ''),
      error: hasEnded ? dyno.error : null,
      exit_status: hasEnded ? dyno.exitStatus : null,
      id: dynoId(dyno),
      management: managementOf(dyno),
      name: dyno.name,
      release: { id: release?.id ?? null, version: dyno.release },
      size: sizeName(dyno.size),
      state,
      type: dyno.type,
    },
    previousData: news.action === 'update' ? { state: shownState({ ...dyno, state: news.before }) } : {},
  }
}

/** One that was to run once and failed has crashed, as on Heroku. */
function shownState(dyno: DynoRecord): Exclude<DynoLife, 'complete' | 'stopped'> {
  const { state, exitStatus } = dyno
  if (state !== 'complete' && state !== 'stopped') return state
  return isOneOff(dyno) && exitStatus !== 0 && exitStatus !== null ? 'crashed' : 'down'
}

function managementOf(dyno: DynoRecord): string {
  if (!isOneOff(dyno)) return 'formation'
  return dyno.attached ? 'run:attached' : 'run:detached'
}
