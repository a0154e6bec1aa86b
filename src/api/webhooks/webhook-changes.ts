import type { NewWebhookEvent } from '../../model/webhook.ts'
import type { WebhookChange } from '../../store/delivery-records.ts'
import type { DynoNews } from '../../store/dyno-records.ts'
import { describeAddon, describeAttachment } from './addon-news.ts'
import { userJson } from '../apps/app-json.ts'
import { buildJson, type BuildJsonDeps } from '../builds/build-json.ts'
import { dynoEvent } from '../dynos/dyno-event.ts'
import { formationJson } from '../dynos/formation.ts'
import { releaseJson } from '../builds/releases.ts'

/** How a build and a release begin. */
const unfinished = {
  'api:build': { status: 'pending', state: 'pending', finished_at: null, failure: null, release: null, slug: null },
  'api:release': { status: 'pending', current: false },
}

/**
 * The stored state after a change, as webhooks show it; undefined when there is nothing left to
 * show.
 */
export function describeChange(deps: BuildJsonDeps, change: WebhookChange | DynoNews): NewWebhookEvent | undefined {
  switch (change.kind) {
    case 'dyno':
      return dynoEvent(deps, change)
    case 'formation':
      return describeFormation(deps, change)
    case 'addon':
      return describeAddon(deps, change)
    case 'attachment':
      return describeAttachment(deps, change)
    case 'build':
    case 'release':
      return describeProgress(deps, change)
  }
}

/** What is new may be done with by now; that is told next. */
function describeProgress(
  deps: BuildJsonDeps,
  change: Extract<WebhookChange, { kind: 'build' | 'release' }>,
): NewWebhookEvent | undefined {
  const described = change.kind === 'build' ? describeBuild(deps, change) : describeRelease(deps, change)
  if (!described) return undefined
  const { appId, action } = change
  const { include, data, accountId } = described
  const { id, email } = userJson(deps.store, accountId)
  const event = { appId, include, action, actor: { id, email } }
  if (action === 'create') return { ...event, data: { ...data, ...unfinished[include] }, previousData: {} }
  return { ...event, data, previousData: { status: 'pending' } }
}

function describeBuild(deps: BuildJsonDeps, { id }: Extract<WebhookChange, { kind: 'build' }>) {
  const build = deps.store.builds.find(id)
  const app = build && deps.store.apps.get(build.appId)
  if (!build || !app) return undefined
  // A webhook belongs to the app: its addresses are valid as long as the app's owner is.
  const asker = { accountId: app.ownerId, token: null }
  return { include: 'api:build' as const, data: buildJson(deps, build, asker), accountId: build.accountId }
}

function describeRelease({ store }: BuildJsonDeps, change: Extract<WebhookChange, { kind: 'release' }>) {
  const release = store.releases.find(change.id)
  const app = store.apps.get(change.appId)
  if (!release || !app) return undefined
  const data = releaseJson(store, app, release)
  return { include: 'api:release' as const, data, accountId: release.accountId }
}

/**
 * Process types change with the deployed release, so the user who made the release is the actor.
 */
function describeFormation(
  { store }: BuildJsonDeps,
  { appId, action, id, last }: Extract<WebhookChange, { kind: 'formation' }>,
): NewWebhookEvent | undefined {
  const app = store.apps.get(appId)
  const formation = last ?? store.formations.list(appId).find((share) => share.id === id)
  const release = app?.currentReleaseId && store.releases.find(app.currentReleaseId)
  if (!app || !formation || !release) return undefined
  const actor = userJson(store, release.accountId)
  const data = formationJson(store, app, formation)
  return { appId, include: 'api:formation', action, actor, data, previousData: {} }
}
