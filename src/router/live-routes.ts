import { isIP } from 'node:net'
import type { AppId } from '../model/ids.ts'
import { covers } from '../model/domain.ts'
import type { RoutePages } from '../model/own-page.ts'
import type { AppRoute, HostCertificate, RoutingTable, Target } from '../model/route.ts'
import { EdgeRules, limitsWith } from './edge-rules.ts'
import { HttpsPolicy } from './https-policy.ts'
import type { HeldRequests } from './held-requests.ts'
import type { RouterLimits, TimeLimits } from './limits.ts'
import { changeTable, type TableChange } from './table/table-change.ts'
import { LiveTarget } from './target.ts'

/** Where a host leads. */
export type HostDestination = {
  /** undefined: the control plane. */
  app: { id: AppId; name: string } | undefined
  state: AppRoute['state']
  targets: LiveTarget[]
  /** Tried when no target is left. */
  standby: LiveTarget[]
  /** What none of them takes waits for one. */
  patient: boolean
  certificates: HostCertificate[]
  https: HttpsPolicy
  /** undefined: its app has set nothing. */
  edge?: EdgeRules | undefined
  limits: TimeLimits
  pages?: RoutePages | undefined
}

/**
 * The routing table in force. Every change is one step: a request sees the table before it or after
 * it.
 */
export class LiveRoutes {
  readonly #limits: RouterLimits
  readonly #held: Pick<HeldRequests, 'wake' | 'wakeAll'>
  #table: RoutingTable
  #control: HostDestination
  readonly #byHost = new Map<string, HostDestination>()
  /** Also those that were replaced, until nothing is in flight to them. */
  readonly #targets = new Map<string, LiveTarget>()

  constructor(
    table: RoutingTable,
    { limits, held }: { limits: RouterLimits; held: Pick<HeldRequests, 'wake' | 'wakeAll'> },
  ) {
    this.#limits = limits
    this.#held = held
    this.#table = table
    this.#control = this.#controlDestination(table)
    this.install(table)
  }

  get table(): RoutingTable {
    return this.#table
  }

  /** Bare addresses and `localhost` lead to the control plane too. */
  find(host: string): HostDestination | undefined {
    return this.#byHost.get(host) ?? (this.#isControl(host) ? this.#control : this.#findWildcard(host))
  }

  /** @returns undefined where the server's own certificate is shown */
  findCertificate(host: string): HostCertificate | undefined {
    const destination = this.find(host)
    if (destination === undefined) return undefined
    return certificateFor(host, destination.certificates) ?? certificateFor(host, this.#table.certificates ?? [])
  }

  /** What clients that name no host are shown; behind a translation of addresses, that of any. */
  certificateOfAddress(address: string): HostCertificate | undefined {
    const { certificates } = this.#table
    const own = certificates?.find(({ hosts }) => hosts.includes(address))
    return own ?? certificates?.find(({ hosts }) => hosts.some((host) => isIP(host) !== 0))
  }

  /** Whether an app has the host by its name, not as a domain of its own. */
  isNameOfApp(host: string): boolean {
    return host.endsWith(`.${this.#table.controlHost}`) && this.find(host)?.app !== undefined
  }

  findTarget(id: string): LiveTarget | undefined {
    return this.#targets.get(id)
  }

  install(table: RoutingTable): void {
    const before = this.#table
    this.#table = table
    if (table.controlSocket !== before.controlSocket) this.#control = this.#controlDestination(table)
    this.#byHost.clear()
    for (const route of table.routes) this.#add(route)
    this.#retire(before.routes, table.routes)
    this.#held.wakeAll()
  }

  /** @returns the targets that the app no longer has */
  switchTo(route: AppRoute): Target[] {
    const removed = this.#replace({ appId: route.appId, route })
    this.#add(route)
    const gone = this.#retire(removed, [route])
    this.#held.wake(route.appId)
    return gone
  }

  remove(appId: AppId): void {
    this.#retire(this.#replace({ appId }), [])
    this.#held.wake(appId)
  }

  everyAppTarget(): Iterable<LiveTarget> {
    return this.#targets.values()
  }

  *everyTarget(): Iterable<LiveTarget> {
    yield* this.everyAppTarget()
    yield* this.#control.targets
  }

  /** @returns the routes that the app had */
  #replace(change: TableChange): AppRoute[] {
    const { appId } = change
    const removed = this.#table.routes.filter((route) => route.appId === appId)
    this.#table = changeTable(this.#table, change)
    for (const host of removed.flatMap(({ hosts }) => hosts)) {
      if (this.#byHost.get(host)?.app?.id === appId) this.#byHost.delete(host)
    }
    return removed
  }

  #add(route: AppRoute): void {
    const { appId, app, hosts, certificates = [], https, state, targets, standby = [], patient, edge, pages } = route
    const isH2c = edge?.protocol === 'h2c'
    const destination: HostDestination = {
      app: { id: appId, name: app },
      state,
      targets: targets.map((target) => this.#live(target, isH2c)),
      standby: standby.map((target) => this.#live(target, isH2c)),
      patient: patient === true,
      certificates,
      https: new HttpsPolicy(https, [...certificates, ...(this.#table.certificates ?? [])]),
      edge: edge && new EdgeRules(edge),
      limits: limitsWith(this.#limits.app, edge),
      pages,
    }
    // An app at the control plane's host would receive every user's token.
    for (const host of hosts) if (!this.#isControl(host)) this.#byHost.set(host, destination)
  }

  /** The nearest one above `host`. None holds for the names of apps. */
  #findWildcard(host: string): HostDestination | undefined {
    if (host.endsWith(`.${this.#table.controlHost}`)) return undefined
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const found = this.#byHost.get(`*${host.slice(dot)}`)
      if (found !== undefined) return found
    }
    return undefined
  }

  #isControl(host: string): boolean {
    return host === this.#table.controlHost || isBareAddress(host)
  }

  #live(target: Target, isH2c: boolean): LiveTarget {
    const known = this.#targets.get(target.id)
    if (known?.isAt(target) && known.isH2c === isH2c) {
      known.revive()
      return known
    }
    known?.retire()
    const address = { host: target.host, port: target.port }
    const live = new LiveTarget({ id: target.id, dyno: target.dyno, address, isH2c })
    this.#targets.set(target.id, live)
    return live
  }

  /**
   * Retires the targets that only `before` has, and gives them. A target is one app's, so those of
   * others need not be looked at.
   */
  #retire(before: AppRoute[], after: AppRoute[]): Target[] {
    const current = new Set(after.flatMap(targetsOf).map(({ id }) => id))
    const gone = before.flatMap(targetsOf).filter(({ id }) => !current.has(id))
    for (const { id } of gone) {
      const live = this.#targets.get(id)
      live?.retire()
      live?.onceIdle(() => {
        if (live.retired && this.#targets.get(id) === live) this.#targets.delete(id)
      })
    }
    return gone
  }

  #controlDestination({ controlSocket }: RoutingTable): HostDestination {
    const target = new LiveTarget({ id: 'api', dyno: 'api', address: { path: controlSocket } })
    const { control: limits } = this.#limits
    const https = new HttpsPolicy({ redirect: false }, [])
    const own = { app: undefined, certificates: [], https, limits }
    return { ...own, state: 'up', targets: [target], standby: [], patient: false }
  }
}

function certificateFor(host: string, certificates: HostCertificate[]): HostCertificate | undefined {
  return (
    certificates.find(({ hosts }) => hosts.includes(host)) ??
    certificates.find(({ hosts }) => hosts.some((pattern) => covers(pattern, host)))
  )
}

function targetsOf({ targets, standby = [] }: AppRoute): Target[] {
  return [...targets, ...standby]
}

function isBareAddress(host: string): boolean {
  return host === 'localhost' || host.startsWith('[') || isIP(host) !== 0
}
