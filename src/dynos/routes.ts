import { isDeepStrictEqual } from 'node:util'
import { Mutex } from 'async-mutex'
import { asPaasError } from '../errors.ts'
import type { AppId } from '../model/ids.ts'
import type { AppRoute, HostCertificate, RoutingTable } from '../model/route.ts'
import { retry } from '../retry.ts'
import type { RouterControl } from '../router/control/control.ts'

/** Milliseconds for which a router that restarts is waited for, and between two attempts. */
const patience = { total: 30_000, between: 200 }

/**
 * The routes this worker has put in force. It remembers them, so that a route that did not change
 * costs nothing, and changes them one at a time, so that a whole table never undoes a switch.
 */
export class Routes {
  readonly #router: RouterControl
  readonly #control: Pick<RoutingTable, 'controlHost' | 'controlSocket'>
  readonly #routes = new Map<AppId, AppRoute>()
  readonly #turn = new Mutex()
  #certificates: HostCertificate[] = []
  #installed = false

  constructor(router: RouterControl, control: Pick<RoutingTable, 'controlHost' | 'controlSocket'>) {
    this.#router = router
    this.#control = control
  }

  get(appId: AppId): AppRoute | undefined {
    return this.#routes.get(appId)
  }

  /** Once the changes under way are over: the router has one a moment before it is known here. */
  settled(appId: AppId): Promise<AppRoute | undefined> {
    return this.#turn.runExclusive(() => this.#routes.get(appId))
  }

  /**
   * Resolves when every new request goes to this route; returns the route it replaced.
   * @throws router_unavailable when the router stays away for 30 s
   */
  put(route: AppRoute): Promise<AppRoute | undefined> {
    return this.#turn.runExclusive(async () => {
      const replaced = this.#routes.get(route.appId)
      if (isDeepStrictEqual(replaced, route)) return replaced
      await persistently(() => this.#router.switchTo(route))
      this.#routes.set(route.appId, route)
      return replaced
    })
  }

  remove(appId: AppId): Promise<void> {
    return this.#turn.runExclusive(async () => {
      await persistently(() => this.#router.remove(appId))
      this.#routes.delete(appId)
    })
  }

  /** Puts these routes, and no others, in force. */
  install(routes: AppRoute[]): Promise<void> {
    return this.#turn.runExclusive(async () => {
      await persistently(() => this.#router.install(this.#table(routes)))
      this.#installed = true
      this.#routes.clear()
      for (const route of routes) this.#routes.set(route.appId, route)
    })
  }

  /** Puts the same routes in force again, for a router that lost its table. */
  refresh(): Promise<void> {
    return this.#turn.runExclusive(async () => {
      if (this.#installed) await this.#router.install(this.#table([...this.#routes.values()]))
    })
  }

  /** Of the server itself: shown from now on, and with every later table. */
  async show(certificates: HostCertificate[]): Promise<void> {
    if (isDeepStrictEqual(certificates, this.#certificates)) return
    this.#certificates = certificates
    await this.refresh()
  }

  #table(routes: AppRoute[]): RoutingTable {
    const certificates = this.#certificates
    return { ...this.#control, routes, ...(certificates.length > 0 && { certificates }) }
  }

  drain(targetIds: string[], timeoutMs: number): Promise<{ unfinished: number }> {
    return this.#router.drain(targetIds, timeoutMs)
  }
}

/**
 * The router is a process of its own that may just be starting again; each of its commands can be
 * repeated.
 */
function persistently<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patience.total
  return retry(work, {
    pause: () => patience.between,
    onFailure: (thrown) => {
      if (asPaasError(thrown).code !== 'router_unavailable' || performance.now() > deadline) throw thrown
    },
  })
}
