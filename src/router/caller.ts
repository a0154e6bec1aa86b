import type { AddressCounter } from './address-counter.ts'
import { formatOrigin } from './forward.ts'
import type { RequestHead } from './http/request-head.ts'
import type { Origin, Origins } from './origin.ts'

type CallerDeps = { origins: Origins; addresses: AddressCounter }

export type CallerOptions = {
  /** One of many that share its connection: each counts for its address as a connection would. */
  shares?: boolean
  /** Of HTTP, that it speaks. */
  version?: '1.1' | '2'
}

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
  readonly #shares: boolean
  readonly #version: string
  /** The visitor behind it whose request is in progress. */
  #counted: string | undefined

  constructor(
    deps: CallerDeps,
    connection: Origin,
    peer: string,
    { shares = false, version = '1.1' }: CallerOptions = {},
  ) {
    this.#deps = deps
    this.#connection = connection
    this.#believed = deps.origins.isTrusted(peer)
    this.address = connection.address
    this.scheme = connection.scheme
    this.#shares = shares
    this.#version = version
    this.lines = formatOrigin(connection, version)
  }

  /** @returns false if it has as many requests in progress as it may have connections */
  begin({ fields }: RequestHead): boolean {
    if (!this.#believed && !this.#shares) return true
    const { origins, addresses } = this.#deps
    if (this.#believed) this.#tell(origins.ofRequest(fields, this.#connection))
    if (origins.isTrusted(this.address)) return true
    if (!addresses.add(this.address)) return false
    this.#counted = this.address
    return true
  }

  /** The request is over. */
  end(): void {
    if (this.#counted !== undefined) this.#deps.addresses.remove(this.#counted)
    this.#counted = undefined
    if (this.#believed) this.#tell(this.#connection)
  }

  #tell(origin: Origin): void {
    this.address = origin.address
    this.scheme = origin.scheme
    this.lines = formatOrigin(origin, this.#version)
  }
}
