import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { Addon } from '../../model/addon.ts'
import type { AddonProof, RestoreMoment } from '../../model/addon-backup.ts'
import type { AddonProofId } from '../../model/ids.ts'
import { canBeProven } from '../../services/dumps.ts'
import { forkAddon } from '../../services/fork.ts'
import { hasArchive } from '../../services/spec.ts'
import type { Api } from '../deps.ts'
import { appNamed, appOf } from '../http/access.ts'
import { time } from '../http/shapes.ts'
import { wake } from '../http/wake.ts'
import { addonJson } from './addon-json.ts'
import { backupsJson } from './backups-json.ts'
import { checkReady } from './data.ts'
import { servicesOf, type AddonDeps } from './deps.ts'
import { addonOf, addonsSeen, isThere } from './find.ts'

const config = { scope: 'protected' } as const
const name = Type.String({ maxLength: 200 })
const restore = Type.Object(
  {
    at: Type.Optional(name),
    before_xid: Type.Optional(Type.String({ pattern: '^[1-9]\\d{0,9}$' })),
    as: Type.Optional(name),
    name: Type.Optional(name),
  },
  { additionalProperties: false },
)

/** Our own additions: the backups that the server makes of add-ons, their proofs, and forks. */
export function addonBackupRoutes(api: Api, deps: AddonDeps): void {
  const { store } = deps
  const list = (addons: Addon[]): object[] => {
    const told = { store, services: servicesOf(deps), config: deps.config }
    return addons.map((addon) => backupsJson(told, addon))
  }

  api.get('/backups', (request) => list(addonsSeen(store, request)))

  api.get('/apps/:app/backups', (request) => list(store.addons.list(appOf(store, request).id).filter(isThere)))

  api.get('/addons/:addon/backups', (request) => list([addonOf(store, request)])[0])

  api.post('/addons/:addon/actions/prove', { config }, (request, reply) => {
    const addon = addonOf(store, request, 'deploy')
    checkProvable(deps, addon)
    reply.code(202)
    return proofJson(store.addonProofs.ask(addon.id))
  })

  api.get('/addons/:addon/proofs/:proof', (request) => {
    const addon = addonOf(store, request)
    const { proof: id } = request.params as { proof: string }
    const proof = store.addonProofs.find(id as AddonProofId)
    if (proof?.addonId !== addon.id) throw new PaasError('not_found', `${addon.name} has no such proof.`)
    return proofJson(proof)
  })

  api.post('/addons/:addon/actions/restore', { config, schema: { body: restore } }, async (request, reply) => {
    const source = addonOf(store, request, 'deploy')
    const app = appNamed(store, request, { idOrName: source.appId, needed: 'deploy' })
    checkReady(source)
    checkArchive(deps, source)
    const { as, name: called } = request.body
    const moment = momentOf(request.body)
    const asked = { moment, as, name: called, accountId: request.identity.account.id }
    const services = servicesOf(deps)
    const fork = forkAddon({ store, services, config: deps.config }, { app, source }, asked)
    await wake(deps, reply, { kind: 'addons' })
    reply.code(201)
    return addonJson({ store, services, request }, fork)
  })
}

/** @throws invalid_params */
function checkProvable(deps: AddonDeps, { service: name }: Addon): void {
  const service = servicesOf(deps).find((one) => one.name === name)
  if (service && canBeProven(service)) return
  throw new PaasError('invalid_params', `${service?.title ?? name} has no backups here that could be restored.`, {
    hint: 'A service of your own needs the programs dump and load: docs/services.md.',
  })
}

/** @throws invalid_params */
function checkArchive(deps: AddonDeps, addon: Addon): void {
  const service = servicesOf(deps).find((one) => one.name === addon.service)
  if (service && hasArchive(service)) return
  throw new PaasError('invalid_params', `${service?.title ?? addon.service} keeps no archive of its own here.`)
}

/** A time without a zone is UTC. @throws invalid_params */
function momentOf({ at, before_xid: xid }: { at?: string; before_xid?: string }): RestoreMoment {
  if (at !== undefined && xid !== undefined)
    throw new PaasError('invalid_params', 'Say either a time or a transaction.')
  if (xid !== undefined) return { kind: 'xid', xid }
  if (at === undefined || at === 'latest') return { kind: 'latest' }
  const form = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?) ?(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/
  const [, day, clock, zone = 'Z'] = form.exec(at.trim()) ?? []
  const offset = /^(Z|UTC)$/.test(zone)
    ? '+00:00'
    : zone.replace(/^([+-]\d\d):?(\d\d)?$/, (_, h, m = '00') => `${h}:${m}`)
  const read = new Date(`${day}T${clock}${offset}`)
  if (Number.isNaN(read.getTime())) {
    throw new PaasError('invalid_params', `${JSON.stringify(at.slice(0, 60))} is no time.`, {
      hint: 'Write it as: 2026-11-26 14:03:07+00',
    })
  }
  return { kind: 'time', at: `${day} ${clock}${offset}` }
}

function proofJson({ id, state, createdAt, endedAt }: AddonProof): object {
  return {
    id,
    status: state.kind,
    backup: 'label' in state ? state.label : null,
    compared: state.kind === 'succeeded' ? state.compared : null,
    reason: 'reason' in state ? state.reason : null,
    created_at: time(createdAt),
    ended_at: endedAt && time(endedAt),
  }
}
