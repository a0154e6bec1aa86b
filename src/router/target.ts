import type { TargetAddress } from './upstream-socket.ts'
import type { Target } from '../model/route.ts'
import { AppSessions } from './http2/app-sessions.ts'
import type { AppStream } from './http2/app-stream.ts'
import { Upstream, type ResponseHandler } from './upstream.ts'

/** How long a target that refused a connection comes after the others, milliseconds. */
const refusalMemory = 1_000

/** Something that stays open past its request and is told to close when its target drains. */
export interface Tunnelled {
  /** Asks both ends to close; at the end the tunnel leaves the target. */
  goAway(): void
}

type LiveTargetOptions = {
  id: string
  dyno: string
  address: TargetAddress
  /** It speaks HTTP/2, in the clear and with prior knowledge. */
  isH2c?: boolean
}

/** A target as the router uses it: its kept connections and what is in flight to it. */
export class LiveTarget {
  readonly id: string
  readonly dyno: string
  readonly address: TargetAddress
  readonly tunnels = new Set<Tunnelled>()
  #inFlight = 0
  #refusedAt = -Infinity
  #retired = false
  /** Noted as flags, which cost a request nothing, and put in time by the next sweep. */
  #wasHeard = true
  #heardAt = performance.now()
  #owes = false
  readonly #kept: Upstream[] = []
  /** undefined: it speaks HTTP/1.1. */
  readonly #sessions: AppSessions | undefined
  readonly #onBytes = (): void => this.heard()
  #whenIdle: (() => void)[] = []

  constructor({ id, dyno, address, isH2c = false }: LiveTargetOptions) {
    this.id = id
    this.dyno = dyno
    this.address = address
    this.#sessions = isH2c ? new AppSessions(address, this.#onBytes) : undefined
  }

  isAt({ id, host, port, dyno }: Target): boolean {
    const { address } = this
    return this.id === id && this.dyno === dyno && 'host' in address && address.host === host && address.port === port
  }

  get isH2c(): boolean {
    return this.#sessions !== undefined
  }

  /** Requests and tunnels that have begun and not ended. */
  get inFlight(): number {
    return this.#inFlight
  }

  begin(): void {
    this.#inFlight++
    this.#owes = true
  }

  end(): void {
    if (--this.#inFlight > 0) return
    const waiting = this.#whenIdle
    this.#whenIdle = []
    for (const resolve of waiting) resolve()
  }

  /** It sent something. */
  heard(): void {
    this.#wasHeard = true
    this.#owes = false
  }

  /** Milliseconds since something came of it, or it became a target. */
  silentFor(now: number): number {
    return this.#wasHeard ? 0 : now - this.#heardAt
  }

  /** It was asked for something after it was heard last, or has an answer to give. */
  get owes(): boolean {
    return this.#owes || this.#inFlight > this.tunnels.size
  }

  /** Calls back once, as soon as nothing is in flight. */
  onceIdle(callback: () => void): void {
    if (this.#inFlight === 0) callback()
    else this.#whenIdle.push(callback)
  }

  refused(): void {
    this.#refusedAt = performance.now()
  }

  get refusedLately(): boolean {
    return performance.now() - this.#refusedAt < refusalMemory
  }

  /**
   * The connection used last (the others may close), or a new one.
   * @param newest milliseconds that it may have lain idle; -1 for a new one
   * @param mayUpgrade always a new one
   */
  take(
    handler: ResponseHandler,
    { newest, mayUpgrade }: { newest: number; mayUpgrade: boolean },
  ): Upstream | AppStream {
    if (this.#sessions !== undefined) return this.#sessions.take(handler, { isFresh: newest < 0 })
    while (newest >= 0 && !mayUpgrade && this.#kept.length > 0) {
      const kept = this.#kept.pop()!
      if (kept.reuse(handler, newest)) return kept
    }
    return new Upstream(this.address, handler, this.#onBytes)
  }

  keep(upstream: Upstream | AppStream): void {
    if (this.#retired || !(upstream instanceof Upstream)) upstream.destroy()
    else this.#kept.push(upstream)
  }

  /** Closes what was kept too long. The oldest are first. */
  sweep(now: number): void {
    if (this.#wasHeard) this.#heardAt = now
    this.#wasHeard = false
    const usable = this.#kept.findIndex((upstream) => upstream.isUsable(now))
    for (const upstream of this.#kept.splice(0, usable === -1 ? this.#kept.length : usable)) upstream.destroy()
  }

  get retired(): boolean {
    return this.#retired
  }

  /** It is in the table again. */
  revive(): void {
    this.#retired = false
  }

  /** No new request will come: kept connections close, those in use when their request ends. */
  retire(): void {
    this.#retired = true
    this.#sessions?.close()
    for (const upstream of this.#kept.splice(0)) upstream.destroy()
  }
}
