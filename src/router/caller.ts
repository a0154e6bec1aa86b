import type { AddressCounter } from './address-counter.ts'
import { formatOrigin } from './forward.ts'
import type { RequestHead } from './http/request-head.ts'
import type { Origin, Origins } from './origin.ts'

type CallerDeps = { origins: Origins; addresses: AddressCounter }

/**
 * Whom the requests on one connection come from: its other end, or, where that is a trusted proxy,
 * whom it names in each.
 */
export class Caller {
  address: string
  scheme: 'http' | 'https'
  /** What is said about it to the app, as header lines. */
  lines: string
  readonly #deps: CallerDeps
  readonly #connection: Origin
  /** The other end is a trusted proxy: what it says about each request is believed. */
  readonly #believed: boolean
  /** The visitor behind it whose request is in progress. */
  #counted: string | undefined

  constructor(deps: CallerDeps, connection: Origin, peer: string) {
    this.#deps = deps
    this.#connection = connection
    this.#believed = deps.origins.isTrusted(peer)
    this.address = connection.address
    this.scheme = connection.scheme
    this.lines = formatOrigin(connection)
  }

  /** @returns false if it has as many requests in progress as it may have connections */
  begin({ fields }: RequestHead): boolean {
    if (!this.#believed) return true
    const { origins, addresses } = this.#deps
    const origin = origins.ofRequest(fields, this.#connection)
    this.#tell(origin)
    if (origins.isTrusted(origin.address)) return true
    if (!addresses.add(origin.address)) return false
    this.#counted = origin.address
    return true
  }

  /** The request is over. */
  end(): void {
    if (!this.#believed) return
    if (this.#counted !== undefined) this.#deps.addresses.remove(this.#counted)
    this.#counted = undefined
    this.#tell(this.#connection)
  }

  #tell(origin: Origin): void {
    this.address = origin.address
    this.scheme = origin.scheme
    this.lines = formatOrigin(origin)
  }
}
