import type { AcmeSettings } from '../acme-settings.ts'
import type { App } from '../model/app.ts'
import type { AccountId } from '../model/ids.ts'
import type { ManagedCertificate } from '../model/managed-certificate.ts'
import type { Store } from '../store/store.ts'

/** Under which the certificate for the server's addresses is on record. */
export const addressesName = 'addresses'
/**
 * New names of apps in a day, of all apps of one owner: an authority counts them for the whole
 * domain.
 */
const mostNamesADay = 20
const day = 86_400_000

export type WantedDeps = {
  store: Pick<Store, 'apps' | 'domains' | 'managedCertificates' | 'transaction'>
  settings: Pick<AcmeSettings, 'addresses' | 'dns'>
  domain: string
}

type Wanted = Pick<ManagedCertificate, 'name' | 'names' | 'appId'>

/**
 * Puts on record what certificates are to be there, and lets those rest that nobody wants any more:
 * of domains that went, or have another certificate.
 * @returns the apps that lost one, or have one again
 */
export function recordWanted(deps: WantedDeps): App[] {
  const { store } = deps
  return store.transaction(() => {
    const apps = store.apps.listAll().filter(({ destroying }) => !destroying)
    const wanted = [...ofServer(deps), ...apps.flatMap((app) => ofApp(deps, app))]
    const again = wanted.filter((one) => recordOne(deps, one))
    const names = new Set(wanted.map(({ name }) => name))
    const left = store.managedCertificates.listAll().filter((one) => !names.has(one.name) && !isNameOf(deps, one, apps))
    const shown = left.filter(({ state }) => state.kind !== 'resting')
    for (const one of left) letRest(deps, one)
    return apps.filter(({ id }) => [...shown, ...again].some(({ appId }) => appId === id))
  })
}

/** @returns true when one that rested is shown again */
function recordOne({ store: { managedCertificates } }: Pick<WantedDeps, 'store'>, wanted: Wanted): boolean {
  const there = managedCertificates.find(wanted.name)
  if (there !== undefined && isSame(there, wanted)) {
    if (there.state.kind !== 'resting') return false
    managedCertificates.setState(there.id, { kind: 'issued' }, { failures: 0, nextAt: new Date() })
    return true
  }
  if (there !== undefined) managedCertificates.remove(there.id)
  managedCertificates.add(wanted)
  return false
}

/** Until it ends it may be wanted again. */
function letRest({ store: { managedCertificates } }: WantedDeps, { id, state, issued }: ManagedCertificate): void {
  if (issued === null || issued.endsAt.getTime() <= Date.now()) return managedCertificates.remove(id)
  if (state.kind === 'resting') return
  managedCertificates.setState(id, { kind: 'resting' }, { failures: 0, nextAt: issued.endsAt })
}

/**
 * Somebody asked for the name of an app.
 * @returns the app; undefined when there is none, or its owner has had enough for today
 */
export function recordName(deps: WantedDeps, host: string): App | undefined {
  const { store, domain } = deps
  return store.transaction(() => {
    const app = store.apps.find(host.slice(0, -domain.length - 1))
    if (app === undefined || `${app.name}.${domain}` !== host) return undefined
    const isKnown = store.managedCertificates.find(host)?.appId === app.id
    if (!isKnown && namesSince(deps, app.ownerId, Date.now() - day) >= mostNamesADay) return undefined
    recordOne(deps, { name: host, names: [host], appId: app.id })
    return app
  })
}

/** Whether an authority may certify names of this server at all. */
export function isPublicName(domain: string): boolean {
  return domain.includes('.')
}

function ofServer({ domain, settings }: WantedDeps): Wanted[] {
  const own = isPublicName(domain) ? [domain, ...(settings.dns ? [`*.${domain}`] : [])] : []
  const { addresses } = settings
  const ofAddresses = addresses.length > 0 ? [{ name: addressesName, names: addresses, appId: null }] : []
  return [...own.map((name) => ({ name, names: [name], appId: null })), ...ofAddresses]
}

function ofApp({ store }: WantedDeps, app: App): Wanted[] {
  if (!app.acm) return []
  const domains = store.domains.list(app.id).filter(({ sniEndpointId }) => sniEndpointId === null)
  return domains.map(({ hostname }) => ({ name: hostname, names: [hostname], appId: app.id }))
}

function isSame(there: ManagedCertificate, wanted: Wanted): boolean {
  return there.appId === wanted.appId && there.names.join() === wanted.names.join()
}

/** Whether it is for the name that an app still has. */
function isNameOf({ domain }: WantedDeps, { appId, name }: ManagedCertificate, apps: App[]): boolean {
  return apps.some((app) => app.id === appId && name === `${app.name}.${domain}`)
}

function namesSince({ store, domain }: WantedDeps, ownerId: AccountId, since: number): number {
  const owned = new Set(store.apps.list().flatMap((app) => (app.ownerId === ownerId ? [app.id] : [])))
  const all = store.managedCertificates.listAll().filter(({ name }) => name.endsWith(`.${domain}`))
  return all.filter(({ appId, createdAt }) => appId !== null && owned.has(appId) && createdAt.getTime() > since).length
}
