import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { askBackup, askCancel, askCopy, askRestore } from '../../data-transfers/ask.ts'
import { PaasError } from '../../errors.ts'
import type { Addon } from '../../model/addon.ts'
import { isOver, transferName, type DataTransfer } from '../../model/data-transfer.ts'
import type { App } from '../../model/app.ts'
import { serviceNamed, type Service } from '../../model/service.ts'
import { canBeCopied, canBeDumped } from '../../services/dumps.ts'
import type { Api } from '../deps.ts'
import { appNamed, appOf, askerOf } from '../http/access.ts'
import { lifetimes, type Passes } from '../http/passes.ts'
import { wake } from '../http/wake.ts'
import { backupFileUrl, backupOfFileUrl } from './backup-file.ts'
import { checkReady, type DataDeps } from './data.ts'
import { servicesOf } from './deps.ts'
import { addonNamed } from './find.ts'
import { backupIn, transferJson } from './transfer-json.ts'

export type BackupDeps = DataDeps & { passes: Passes }

const closed = { additionalProperties: false }
const config = { scope: 'protected' } as const
const url = Type.String({ maxLength: 4000 })
const nothing = Type.Object({}, closed)
const restored = Type.Object(
  { backup_url: url, extensions: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])) },
  closed,
)
const copied = Type.Object({ from_name: url, from_url: url, to_name: url, to_url: url }, closed)

/** What `heroku pg:backups:*` and `pg:copy` ask of Heroku's data API, for any service. */
export function backupRoutes(api: Api, deps: BackupDeps): void {
  const { store } = deps
  const ofApp = '/client/v11/apps/:app/transfers'
  const database = '/client/v11/databases/:database'
  const found = (request: FastifyRequest): DataTransfer => transferOf(deps, request)
  const begin = async (request: FastifyRequest, reply: Parameters<typeof wake>[1], transfer: DataTransfer) => {
    const { email } = request.identity.account
    deps.platformLog.api(transfer.appId, `${say(transfer)} (${transferName(transfer)}) by user ${email}`)
    await wake(deps, reply, { kind: 'data' })
    reply.code(201)
    return transferJson(transfer)
  }

  api.get(ofApp, { config }, (request) =>
    store.dataTransfers.list({ appId: appOf(store, request, 'deploy').id }).map((one) => transferJson(one)),
  )
  api.get(`${ofApp}/:transfer`, { config }, (request) => {
    const { verbose } = request.query as { verbose?: string }
    return transferJson(found(request), { verbose: verbose === 'true' })
  })
  api.delete(`${ofApp}/:transfer`, { config }, async (request) => {
    const transfer = found(request)
    if (!isOver(transfer)) {
      throw new PaasError('invalid_params', `${transferName(transfer)} is under way.`, {
        hint: `End it first: pg:backups:cancel ${transferName(transfer)}`,
      })
    }
    const { id, state } = transfer
    store.dataTransfers.remove(id)
    // What no record leads to goes at the worker's next start, where it cannot now.
    if (state.kind === 'succeeded' && state.stored)
      await deps.containers
        .removeBackup(state.stored.place, request.signal)
        .catch((err: unknown) => deps.log.warn({ err, transfer: id }, 'what is stored of a backup was not removed'))
    return transferJson(transfer)
  })
  api.post(`${ofApp}/:transfer/actions/cancel`, { config, schema: { body: nothing } }, async (request, reply) => {
    const transfer = found(request)
    askCancel(store, transfer)
    await wake(deps, reply, { kind: 'data' })
    return transferJson(store.dataTransfers.find(transfer.id) ?? transfer)
  })
  api.post(`${ofApp}/:transfer/actions/public-url`, { config, schema: { body: nothing } }, (request) => {
    const transfer = found(request)
    if (transfer.kind !== 'backup' || transfer.state.kind !== 'succeeded') {
      throw new PaasError('invalid_params', `${transferName(transfer)} is no backup that is complete.`)
    }
    const expires = new Date(Date.now() + lifetimes.file)
    return { url: backupFileUrl(deps, transfer, askerOf(request)), expires_at: expires.toISOString() }
  })

  api.post(`${database}/backups`, { config, schema: { body: nothing } }, async (request, reply) =>
    begin(request, reply, askBackup(store, dumpableAddon(deps, request), { scheduled: false })),
  )
  api.post(`${database}/restores`, { config, schema: { body: restored } }, async (request, reply) => {
    const { backup_url: source, extensions } = request.body
    if (extensions && extensions.length > 0) {
      throw new PaasError('invalid_params', 'Extensions are not pre-installed here: a dump makes those that it needs.')
    }
    const addon = copyableAddon(deps, request)
    return begin(request, reply, askRestore(store, addon, sourceOf(deps, request, source)))
  })
  api.post(`${database}/transfers`, { config, schema: { body: copied } }, async (request, reply) => {
    const { from_url: from, to_url: to } = request.body
    return begin(request, reply, askCopy(store, { from: addonAt(deps, request, from), to: addonAt(deps, request, to) }))
  })
}

function say({ kind, from, to }: DataTransfer): string {
  if (kind === 'backup') return `Backup of ${from.name} begun`
  return kind === 'restore'
    ? `Restore of ${from.name} into ${to.name} begun`
    : `Copy of ${from.name} to ${to.name} begun`
}

/** By its number or id. @throws not_found */
function transferOf({ store }: BackupDeps, request: FastifyRequest): DataTransfer {
  const app: App = appOf(store, request, 'deploy')
  const { transfer: key } = request.params as { transfer: string }
  const transfer = /^\d{1,9}$/.test(key)
    ? store.dataTransfers.findNumbered(app.id, Number(key))
    : store.dataTransfers.find(key as DataTransfer['id'])
  if (transfer?.appId === app.id) return transfer
  throw new PaasError('not_found', `${app.name} has no backup, restore or copy ${JSON.stringify(key)}.`, {
    hint: `See them with: paas pg:backups -a ${app.name}`,
  })
}

/** The add-on of the request's path. @throws addon_not_found, invalid_params */
export function dumpableAddon(deps: BackupDeps, request: FastifyRequest): Addon {
  const { database } = request.params as { database: string }
  const addon = addonNamed(deps.store, request, { idOrName: database, needed: 'deploy' })
  return checkCopyable(deps, addon, canBeDumped)
}

/** The add-on of the request's path. @throws addon_not_found, invalid_params */
function copyableAddon(deps: BackupDeps, request: FastifyRequest): Addon {
  const { database } = request.params as { database: string }
  return checkCopyable(deps, addonNamed(deps.store, request, { idOrName: database, needed: 'deploy' }))
}

function checkCopyable(deps: BackupDeps, addon: Addon, can: (service: Service) => boolean = canBeCopied): Addon {
  checkReady(addon)
  const service = serviceNamed(servicesOf(deps), addon.service)
  if (service && can(service)) return addon
  throw new PaasError(
    'invalid_params',
    `${service?.title ?? addon.service} cannot be backed up, restored or copied here.`,
  )
}

/** A backup of this server, by its URL in the list or of its download, or an address elsewhere. */
function sourceOf(deps: BackupDeps, request: FastifyRequest, source: string): DataTransfer | string {
  const { store } = deps
  const id = backupIn(source) ?? backupOfFileUrl(deps, source)
  if (id === undefined) return source
  const backup = store.dataTransfers.find(id)
  if (!backup) throw new PaasError('backup_missing', 'There is no such backup on this server.')
  appNamed(store, request, { idOrName: backup.appId, needed: 'deploy' })
  return backup
}

/** The add-on that a URL of config vars leads to. @throws invalid_params for one elsewhere */
function addonAt(deps: BackupDeps, request: FastifyRequest, at: string): Addon {
  const host = URL.parse(at)?.hostname ?? ''
  if (/-[0-9a-f]{12}$/.test(host) && deps.store.addons.findNamed(host)) {
    return checkCopyable(deps, addonNamed(deps.store, request, { idOrName: host, needed: 'deploy' }))
  }
  throw new PaasError('invalid_params', `${host || 'What was named'} is no add-on of this server.`, {
    hint: 'Copy from and to databases elsewhere with: paas pg:push, paas pg:pull',
  })
}
