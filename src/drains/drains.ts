import type { Logger } from '../log.ts'
import type { Drain } from '../model/drain.ts'
import type { DrainId } from '../model/ids.ts'
import type { Store } from '../store/store.ts'
import { runDrain, type DrainDeps } from './run-drain.ts'

type DrainsDeps = Omit<DrainDeps, 'buffers'> & { store: Pick<Store, 'drains' | 'apps'>; log: Logger }

/** Characters that may wait for one drain, and for all of them. */
const [mostOfOne, mostOfAll] = [2 ** 20, 64 * 2 ** 20]

/** The deliveries to all drains that the database has. */
export class Drains implements AsyncDisposable {
  readonly #deps: DrainsDeps
  readonly #running = new Map<DrainId, { stop: AbortController; done: Promise<void> }>()
  readonly #shared = { size: 0, limit: mostOfAll }
  #closed = false

  constructor(deps: DrainsDeps) {
    this.#deps = deps
  }

  /** Begins with drains that are new and ends with those that are gone. */
  sync(): void {
    if (this.#closed) return
    const drains = this.#deps.store.drains.listAll()
    const ids = new Set<string>(drains.map(({ id }) => id))
    this.#deps.cursors.keepOnly(ids)
    for (const [id, { stop }] of this.#running) if (!ids.has(id)) stop.abort()
    for (const drain of drains) if (!this.#running.has(drain.id) && this.#isAlive(drain)) this.#start(drain)
  }

  /** Reading the log of an app that is just being removed would make its directory again. */
  #isAlive({ appId }: Drain): boolean {
    return this.#deps.store.apps.get(appId)?.destroying === false
  }

  #start(drain: Drain): void {
    const { log } = this.#deps
    const stop = new AbortController()
    const buffers = { own: mostOfOne, shared: this.#shared }
    const done = runDrain({ ...this.#deps, buffers }, drain, stop.signal)
      .catch((cause: unknown) => log.error({ err: cause, app: drain.appId, drain: drain.id }, 'a drain broke off'))
      .finally(() => this.#running.delete(drain.id))
    this.#running.set(drain.id, { stop, done })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    const running = [...this.#running.values()]
    for (const { stop } of running) stop.abort()
    await Promise.all(running.map(({ done }) => done))
  }
}
