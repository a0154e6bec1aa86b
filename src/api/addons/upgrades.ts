import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { Addon } from '../../model/addon.ts'
import { isUnderWay, longestHold, type AddonUpgrade } from '../../model/addon-upgrade.ts'
import { serviceCalled } from '../../services/asked.ts'
import { hasArchive } from '../../services/spec.ts'
import { versionToUpgradeTo } from '../../services/versions.ts'
import type { Api } from '../deps.ts'
import { wake } from '../http/wake.ts'
import { checkReady, databaseOf, type DataDeps } from './data.ts'
import { servicesOf } from './deps.ts'

const name = 'heroku-postgresql'
const config = { scope: 'protected' } as const
const upgrade = '/client/v11/databases/:database/upgrade'
const asked = Type.Object(
  { version: Type.Optional(Type.Union([Type.String({ maxLength: 20 }), Type.Number(), Type.Null()])) },
  { additionalProperties: false },
)

/**
 * What `heroku pg:upgrade:*` asks of Heroku's data API. There are no maintenance windows here: to
 * prepare an upgrade is to try it on a copy, as a dry run does.
 */
export function upgradeRoutes(api: Api, deps: DataDeps): void {
  const { store } = deps
  const schema = { body: asked }

  for (const step of ['prepare', 'dry_run'] as const) {
    api.post(`${upgrade}/${step}`, { config, schema }, async (request, reply) => {
      const { addon, version } = await ask(deps, request, reply, { isRehearsal: true })
      const after = `It takes as long as writes will be refused when it is upgraded: \`pg:upgrade:run ${addon.name}\``
      return { message: `A copy of ${addon.name} is being upgraded to version ${version}. ${after}` }
    })
  }

  // As pg:upgrade of Heroku's command up to version 10 asks for it.
  for (const path of [upgrade, `${upgrade}/run`]) {
    api.post(path, { config, schema }, async (request, reply) => {
      const { addon, version } = await ask(deps, request, reply, { isRehearsal: false })
      const how = 'A copy is upgraded first; then its writes are refused for about as long as that took.'
      const follow = `Follow it with: \`pg:upgrade:wait ${addon.name}\``
      return { message: `${addon.name} is being upgraded to version ${version}. ${how} ${follow}` }
    })
  }

  api.post(`${upgrade}/cancel`, { config, schema }, (request) => {
    const addon = databaseOf(deps, request, name)
    store.transaction(() => {
      const open = store.addonUpgrades.list(addon.id).find(isUnderWay)
      if (!open) throw new PaasError('invalid_params', `${addon.name} is not being upgraded.`)
      if (open.state.kind === 'holding') {
        throw new PaasError('invalid_params', `${addon.name} is being replaced already, which nobody cancels.`)
      }
      store.addonUpgrades.setState(open.id, { kind: 'cancelled' })
    })
    return { message: `The upgrade of ${addon.name} was cancelled.` }
  })

  api.get(`${upgrade}/wait_status`, (request) => {
    const addon = databaseOf(deps, request, name, 'view')
    return statusOf(deps, addon, store.addonUpgrades.list(addon.id)[0])
  })
}

/** What whoever waits for a database waits for, while it is being replaced; undefined otherwise. */
export function upgradeOf({ store }: DataDeps, { id, name }: Addon): object | undefined {
  const open = store.addonUpgrades.list(id).find(isUnderWay)
  if (!open || open.isRehearsal) return undefined
  return { 'waiting?': true, 'error?': false, message: messageOf(open, { name, made: '' }) }
}

async function ask(
  deps: DataDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  { isRehearsal }: { isRehearsal: boolean },
): Promise<{ addon: Addon; version: string }> {
  const { store, platformLog } = deps
  const { account } = request.identity
  const addon = databaseOf(deps, request, name)
  checkReady(addon)
  const service = serviceCalled(servicesOf(deps), name)
  if (!hasArchive(service)) throw new PaasError('invalid_params', `${service.title} keeps no archive to copy it from.`)
  const { version: wanted } = request.body as { version?: string | number | null }
  const version = versionToUpgradeTo(service, { addon, wanted: wanted ?? undefined }, deps.config)
  if (store.addonBackups.archive(addon.id).since === null) {
    throw new PaasError('backup_missing', `There is no backup of ${addon.name} yet, which its copy is made from.`, {
      hint: 'The first one is made within a minute: paas backups',
    })
  }
  store.addonUpgrades.ask({ addonId: addon.id, accountId: account.id, version, isRehearsal })
  const what = isRehearsal ? 'Upgrade of a copy of' : 'Upgrade of'
  platformLog.api(addon.appId, `${what} ${addon.name} to version ${version} by user ${account.email}`)
  await wake(deps, reply, { kind: 'addons' })
  return { addon, version }
}

/** `rehearsed_seconds` and `replaced_by` are ours. */
function statusOf({ store }: DataDeps, { id, name }: Addon, newest: AddonUpgrade | undefined): object {
  const made = newest?.forkId == null ? undefined : store.addons.find(newest.forkId)
  if (!newest) return { 'waiting?': false, 'error?': false, message: idle(store, { id, name }) }
  const told = {
    'waiting?': isUnderWay(newest),
    'error?': newest.state.kind === 'failed',
    message: messageOf(newest, { name, made: made?.name ?? '' }),
  }
  const rehearsed = newest.rehearsed === null ? null : Math.ceil(newest.rehearsed)
  return {
    ...told,
    step: newest.state.kind,
    rehearsed_seconds: rehearsed,
    longest_hold_seconds: rehearsed === null ? null : longestHold(rehearsed),
    replaced_by: newest.state.kind === 'succeeded' ? (made?.name ?? null) : null,
    version: newest.version,
  }
}

/** Of one that is not being upgraded: the name of the old one may be that of the new one by now. */
function idle({ addons, addonUpgrades }: DataDeps['store'], { id, name }: Pick<Addon, 'id' | 'name'>): string {
  const former = addonUpgrades.findByFork(id)
  if (former?.state.kind !== 'succeeded') return `${name} is not being upgraded.`
  const old = addons.find(former.addonId)?.name ?? 'one that is gone by now'
  return `${name} of version ${former.version} took the place of ${old}`
}

function messageOf(
  { state, version, rehearsed, isRehearsal }: AddonUpgrade,
  of: { name: string; made: string },
): string {
  const took = rehearsed === null ? '' : ` It took ${Math.ceil(rehearsed)} s.`
  switch (state.kind) {
    case 'asked':
      return `${of.name} is to be upgraded to version ${version}`
    case 'rehearsing':
      return `a copy of ${of.name} is being upgraded, which goes on as ever`
    case 'holding':
      return `${of.name} is read-only while it is replaced${rehearsed === null ? '' : `, for ${howLong(rehearsed)}`}`
    case 'succeeded':
      return isRehearsal
        ? `A copy of ${of.name} was upgraded to version ${version}.${took}`
        : `${of.name} was replaced by ${of.made} of version ${version}, and is kept, read-only`
    case 'failed':
      return `${of.name} was not upgraded, and goes on as it was: ${state.reason}`
    case 'cancelled':
      return `the upgrade of ${of.name} was cancelled`
  }
}

function howLong(rehearsed: number): string {
  return `about ${Math.ceil(rehearsed)} s, and ${longestHold(rehearsed)} s at most`
}
