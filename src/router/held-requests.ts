import type { AppId } from '../model/ids.ts'
import type { RequestHead } from './http/request-head.ts'
import type { HoldLimits } from './limits.ts'

/** A request that waits for a target. */
export type HeldRequest = { readonly request: RequestHead; proceed(): void }

/** Requests that go on at one time: a dyno that has just come up takes only so many at once. */
const perTurn = 50
/** Milliseconds between two turns. */
const betweenTurns = 5

type OfApp = { requests: Map<HeldRequest, number>; bytes: number }

/**
 * The requests for apps that have no target for a moment, each until its app's route changes. Of
 * each no more is in memory than its head and what came with it: its body waits in the kernel.
 */
export class HeldRequests {
  readonly #limits: HoldLimits
  readonly #apps = new Map<AppId, OfApp>()
  #size = 0

  constructor(limits: HoldLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#size
  }

  /** @returns false when the app has as many as it may have, in number or bytes of their heads */
  add(appId: AppId, held: HeldRequest): boolean {
    const { requests, bytes } = this.#apps.get(appId) ?? { requests: new Map<HeldRequest, number>(), bytes: 0 }
    if (requests.has(held)) return true
    const own = bytesOf(held.request)
    if (requests.size >= this.#limits.requests || bytes + own > this.#limits.bytes) return false
    requests.set(held, own)
    this.#apps.set(appId, { requests, bytes: bytes + own })
    this.#size++
    return true
  }

  remove(appId: AppId, held: HeldRequest): void {
    const app = this.#apps.get(appId)
    const bytes = app?.requests.get(held)
    if (!app || bytes === undefined) return
    app.requests.delete(held)
    app.bytes -= bytes
    this.#size--
    if (app.requests.size === 0) this.#apps.delete(appId)
  }

  /** The app's route is another one: each looks again, in the order in which they came. */
  wake(appId: AppId): void {
    proceed([...(this.#apps.get(appId)?.requests.keys() ?? [])])
  }

  wakeAll(): void {
    // One that has to wait on is last of all again.
    const apps = Array.from(this.#apps.keys())
    for (const appId of apps) this.wake(appId)
  }
}

/** One that has left in between does not go on. */
function proceed(waiting: HeldRequest[]): void {
  for (const held of waiting.splice(0, perTurn)) held.proceed()
  if (waiting.length > 0) setTimeout(() => proceed(waiting), betweenTurns).unref()
}

function bytesOf({ method, target, fields }: RequestHead): number {
  return fields.reduce((sum, { line }) => sum + line.length, method.length + target.length)
}
