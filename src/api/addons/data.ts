import type { FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'
import type { Role } from '../../model/access.ts'
import type { Addon, AddonWork } from '../../model/addon.ts'
import type { AddonOrigin } from '../../model/addon-backup.ts'
import type { AddonFigures } from '../../model/addon-figures.ts'
import { dumpProblem, newestDump } from '../../services/dump-watch.ts'
import { canBeDumped } from '../../services/dumps.ts'
import { hasArchive } from '../../services/spec.ts'
import { planNamed, type Service, type ServicePlan } from '../../model/service.ts'
import type { ApiDeps } from '../deps.ts'
import { archiveProblem } from './backups-json.ts'
import { servicesOf, type AddonDeps } from './deps.ts'
import { addonNamed, noAddon } from './find.ts'

export type DataDeps = AddonDeps & Pick<ApiDeps, 'containers'>

/** The database of the request's path, of that service. @throws addon_not_found */
export function databaseOf(deps: DataDeps, request: FastifyRequest, service: string, needed: Role = 'deploy'): Addon {
  const { database } = request.params as { database: string }
  const addon = addonNamed(deps.store, request, { idOrName: database, needed })
  if (addon.service !== service) throw noAddon(database)
  return addon
}

/** @throws invalid_params for one that is still being made, or could not be */
export function checkReady({ name, state }: Addon): void {
  if (state.kind === 'provisioned') return
  throw new PaasError('invalid_params', `${name} is not there: it is ${state.kind}.`)
}

/** What Heroku's commands wait for. */
export function waitStatus({ state }: Addon): object {
  const failed = state.kind === 'failed'
  const waits = state.kind === 'provisioning' || (state.kind === 'provisioned' && state.work !== null)
  const message = failed ? state.reason : waits ? 'being prepared' : 'available'
  return { 'waiting?': waits, 'error?': failed, message }
}

/**
 * Records what is to be done; the worker does it. A second request is the same as the first.
 * @param next the password that a rotation is to set
 */
export function ask({ store }: AddonDeps, addon: Addon, work: AddonWork, next?: string): void {
  checkReady(addon)
  store.transaction(() => {
    const secrets = store.addons.secrets(addon.id)
    if (next !== undefined && secrets.next === undefined) store.addons.setSecrets(addon.id, { ...secrets, next })
    store.addons.setState(addon.id, { kind: 'provisioned', work })
  })
}

export type InfoLine = { name: string; values: string[] }

/** The lines that Heroku's commands show of a database. */
export async function infoOf(deps: DataDeps, addon: Addon, signal: AbortSignal): Promise<InfoLine[]> {
  const service = servicesOf(deps).find(({ name }) => name === addon.service)
  const plan = service && planNamed(service, addon.plan)
  const figures = addon.state.kind === 'provisioned' ? await deps.containers.addonFigures(addon.id, signal) : undefined
  return [
    { name: 'Plan', values: [addon.plan] },
    { name: 'Status', values: [statusOf(addon, figures)] },
    ...(figures?.told ?? []).map(({ name, value }) => ({ name, values: [value] })),
    ...(figures && plan ? usageOf(figures, plan) : []),
    ...(service && (hasArchive(service) || canBeDumped(service)) ? backupLines(deps, addon, service) : []),
    ...nodesOf(figures),
    { name: 'Host', values: [addon.host] },
    ...(addon.origin ? [{ name: 'Forked From', values: [originOf(deps, addon.origin)] }] : []),
    ...(addon.exposed ? [{ name: 'Open to outside', values: [openTo(deps, addon.exposed)] }] : []),
    { name: 'Created', values: [minuteOf(addon.createdAt)] },
  ]
}

/** The last good backup, the last one that was restored to see whether it can be, what is wrong. */
function backupLines({ store, config }: DataDeps, addon: Addon, service: Service): InfoLine[] {
  const { id } = addon
  const archived = store.addonBackups.list(id).find(({ state }) => state.kind === 'succeeded')
  const backup = hasArchive(service) ? archived?.startedAt : newestDump(store, id)?.createdAt
  const proof = store.addonProofs.list(id).find(({ state }) => state.kind === 'succeeded')
  const problem = hasArchive(service) ? archiveProblem({ store, config }, id) : dumpProblem(store, addon, new Date())
  const shown = (time: Date | null | undefined): string[] => [time ? minuteOf(time) : 'none yet']
  return [
    { name: 'Last Backup', values: shown(backup) },
    { name: 'Last Proof', values: shown(proof?.endedAt) },
    ...(problem === undefined ? [] : [{ name: 'Backup Problem', values: [problem] }]),
  ]
}

function minuteOf(time: Date): string {
  return `${time.toISOString().replace('T', ' ').slice(0, 16)} UTC`
}

function statusOf({ state, fill }: Addon, figures: AddonFigures | undefined): string {
  if (state.kind !== 'provisioned') return state.kind
  if (!figures?.since) return 'Not running'
  return fill === 'full' ? 'Read-only: its disk is full' : 'Available'
}

function openTo({ config }: DataDeps, { port, networks }: NonNullable<Addon['exposed']>): string {
  return `${config.domain}:${port} to ${networks.join(', ')}`
}

/** The add-on, which may be gone, and the moment. */
function originOf({ store }: Pick<DataDeps, 'store'>, { addonId, moment }: AddonOrigin): string {
  const name = store.addons.find(addonId)?.name ?? 'one that is gone'
  if (moment.kind === 'time') return `${name}, as of ${moment.at}`
  return moment.kind === 'xid' ? `${name}, before transaction ${moment.xid}` : name
}

/** How many, and which where. */
function nodesOf(figures: AddonFigures | undefined): InfoLine[] {
  const nodes = figures?.nodes ?? []
  if (nodes.length === 0) return []
  const each = nodes.map(({ host, state }, place) => `${place + 1}: ${state} on ${host}`)
  return [
    { name: 'Nodes', values: [String(nodes.length)] },
    { name: 'Node', values: each },
  ]
}

function usageOf({ memoryBytes, diskBytes, connections, since, told }: AddonFigures, plan: ServicePlan): InfoLine[] {
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0)
  const isTold = told.some(({ name }) => name === 'Connections')
  const lines: [string, string | null][] = [
    ['Running Since', since && minuteOf(since)],
    ['Memory Used', memoryBytes === null ? null : `${mib(memoryBytes)} of ${plan.memoryMiB} MiB`],
    ['Disk Used', diskBytes === null || plan.diskMiB === 0 ? null : `${mib(diskBytes)} of ${plan.diskMiB} MiB`],
    ['Connections', connections === null || isTold ? null : `${connections} of ${plan.connections}`],
  ]
  return lines.flatMap(([name, value]) => (value === null ? [] : [{ name, values: [value] }]))
}
