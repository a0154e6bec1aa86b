import { createHash } from 'node:crypto'
import type { ServiceSpec } from '../engine/engine.ts'
import type { Mount } from '../engine/volumes.ts'
import type { Addon, AddonSecrets } from '../model/addon.ts'
import type { AppId } from '../model/ids.ts'
import type { ServicePlan, Service } from '../model/service.ts'
import type { ConfigVars } from '../model/release.ts'
import { programsAt } from './image.ts'

/** Processes of one add-on: a database has one for each connection. */
const mostProcesses = 1024

/** How an add-on's container is made. */
export function serviceSpec(
  addon: Addon,
  { service, plan, image }: { service: Service; plan: ServicePlan; image: string },
  { app, appIds, secrets }: { app: string; appIds: AppId[]; secrets: AddonSecrets },
): ServiceSpec {
  const limits = { memoryMiB: plan.memoryMiB, cpus: plan.cpus, pids: mostProcesses }
  const settings = settingsOf(addon, service, plan)
  const { user, password, database, backupKey = '' } = secrets
  return {
    addonId: addon.id,
    appId: addon.appId,
    app,
    appIds,
    process: addon.process,
    host: addon.host,
    image,
    argv: [`${programsAt}/start`],
    env: {
      ...settings,
      SERVICE_USER: user,
      SERVICE_PASSWORD: password,
      SERVICE_DATABASE: database,
      SERVICE_BACKUP_KEY: backupKey,
      SERVICE_RESTORED: addon.origin ? '1' : '',
    },
    limits,
    data: service.data ? dataOf(addon) : undefined,
    archive: hasArchive(service) ? archiveVolume(addon) : undefined,
    version: createHash('sha256')
      .update(JSON.stringify([image, limits, settings]))
      .digest('hex')
      .slice(0, 16),
  }
}

/** Its data, which outlives its containers. */
export function dataOf({ id }: Pick<Addon, 'id'>): Mount {
  return { id, owner: id, at: '/data' }
}

/** Whether it makes backups of its own, from which any moment can be restored. */
export function hasArchive({ data, scripts }: Pick<Service, 'data' | 'scripts'>): boolean {
  return data && ['backup', 'archived', 'restore'].every((name) => scripts.includes(name))
}

/** Its archive, on a volume beside its data. */
export function archiveVolume({ id }: Pick<Addon, 'id'>): Mount {
  const hex = createHash('sha256').update(`archive ${id}`).digest('hex')
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)]
  return { id: parts.join('-'), owner: id, at: '/backups' }
}

/** What the scripts are told beside the secrets. */
function settingsOf(
  { host, extras, version }: Addon,
  { port, version: usual }: Service,
  plan: ServicePlan,
): Record<string, string> {
  const own = Object.entries(plan.settings).map(([name, value]) => [`SERVICE_${name.toUpperCase()}`, value])
  return {
    ...Object.fromEntries(own),
    SERVICE_HOST: host,
    SERVICE_PORT: String(port),
    SERVICE_VERSION: version ?? usual,
    SERVICE_MEMORY_MIB: String(plan.memoryMiB),
    SERVICE_DISK_MIB: String(plan.diskMiB),
    ...(extras.length > 0 && { SERVICE_EXTRAS: extras.join(' ') }),
    SERVICE_CONNECTIONS: String(plan.connections),
  }
}

/** What follows an attachment's name → value. */
export function configOf({ host }: Addon, { config, port }: Service, secrets: AddonSecrets): ConfigVars {
  const fill = (text: string): string => fillIn(text, { host, port, secrets })
  return Object.fromEntries(Object.entries(config).map(([suffix, text]) => [suffix, fill(text)]))
}

/** {user}, {password}, {database}, {host} and {port}. */
export function fillIn(text: string, of: { host: string; port: number; secrets: AddonSecrets }): string {
  const { user, password, database } = of.secrets
  const values: Record<string, string> = { user, password, database, host: of.host, port: String(of.port) }
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
}
