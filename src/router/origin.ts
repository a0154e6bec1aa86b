import { isIP, type BlockList } from 'node:net'
import { blockListOf, contains } from '../model/cidr.ts'
import { canonicalAddress } from '../model/client-network.ts'
import type { Field } from './http/fields.ts'

/** Where a request came from, as its app is told. */
export type Origin = { address: string; scheme: 'http' | 'https'; port: number }

/**
 * Who is at the other end of a connection. `reached`: what it connected to, if something in between
 * said so.
 */
export type Peer = { address: string; reached?: { port: number; secure: boolean } }

export type OriginsConfig = {
  /** Networks in CIDR notation. */
  trustedProxies: string[]
  /** Under which users reach the HTTP port. */
  publicUrl: string | undefined
}

type Place = Pick<Origin, 'scheme' | 'port'>

const defaultPorts = { http: 80, https: 443 }

/**
 * Finds out where requests came from: what trusted proxies say is believed, what anybody else says
 * is not.
 */
export class Origins {
  readonly #trusted: BlockList
  readonly #trustsAny: boolean
  readonly #public: Place | undefined

  constructor({ trustedProxies, publicUrl }: OriginsConfig) {
    this.#trusted = blockListOf(trustedProxies)
    this.#trustsAny = trustedProxies.length > 0
    this.#public = publicUrl === undefined ? undefined : placeOf(new URL(publicUrl))
  }

  isTrusted(address: string): boolean {
    if (!this.#trustsAny) return false
    const [bare = ''] = address.split('%') // a link-local address may name its interface
    return contains(this.#trusted, bare)
  }

  /**
   * The origin of what comes on a connection, unless a request says otherwise and is believed.
   * Where no proxy is named, whatever stands in front of the HTTP port may be anywhere, and all
   * that comes there is taken as coming by the public URL.
   * @param own of this end of the connection
   */
  ofConnection({ address, reached }: Peer, own: { secure: boolean; port: number }): Origin {
    if (own.secure) return { address, scheme: 'https', port: reached?.port ?? own.port }
    if (reached !== undefined) return { address, scheme: this.#schemeAt(reached), port: reached.port }
    const byPublicUrl = !this.#trustsAny || this.isTrusted(address)
    return { address, ...((byPublicUrl && this.#public) || { scheme: 'http', port: own.port }) }
  }

  /** The origin of a request that a trusted proxy sent, by its X-Forwarded-* fields. */
  ofRequest(fields: Field[], connection: Origin): Origin {
    const scheme = schemeIn(last(fields, 'x-forwarded-proto')) ?? connection.scheme
    const port = portIn(last(fields, 'x-forwarded-port')) ?? this.#portFor(scheme, connection)
    return { address: this.#visitorIn(fields, connection.address), scheme, port }
  }

  /** Each proxy adds whom it was asked by: the visitor is the last one that is no trusted proxy. */
  #visitorIn(fields: Field[], peer: string): string {
    const chain = fields.filter(({ key }) => key === 'x-forwarded-for').flatMap(({ value }) => value.split(','))
    let visitor = peer
    while (this.isTrusted(visitor)) {
      const before = addressIn(chain.pop() ?? '')
      if (before === undefined) break
      visitor = before
    }
    return visitor
  }

  #schemeAt({ port, secure }: { port: number; secure: boolean }): Origin['scheme'] {
    if (secure) return 'https'
    if (port === this.#public?.port) return this.#public.scheme
    return port === defaultPorts.https ? 'https' : 'http'
  }

  #portFor(scheme: Origin['scheme'], connection: Origin): number {
    if (scheme === connection.scheme) return connection.port
    return scheme === this.#public?.scheme ? this.#public.port : defaultPorts[scheme]
  }
}

/** IPv4 addresses come in IPv6 form on a socket that serves both. */
export function plainAddress(address = ''): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}

function placeOf({ protocol, port }: URL): Place {
  const scheme = protocol === 'https:' ? 'https' : 'http'
  return { scheme, port: port === '' ? defaultPorts[scheme] : Number(port) }
}

/** A proxy that adds a value where others replace it adds it at the end. */
function last(fields: Field[], key: string): string {
  return (
    fields
      .findLast((field) => field.key === key)
      ?.value.split(',')
      .at(-1)
      ?.trim()
      .toLowerCase() ?? ''
  )
}

/** Some proxies name a WebSocket's scheme. */
function schemeIn(value: string): Origin['scheme'] | undefined {
  if (value === 'https' || value === 'wss') return 'https'
  return value === 'http' || value === 'ws' ? 'http' : undefined
}

function portIn(value: string): number | undefined {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0
  return port > 0 && port <= 65_535 ? port : undefined
}

/** Some proxies add a port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function addressIn(entry: string): string | undefined {
  const [, bracketed, dotted] = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d+)?$/.exec(entry.trim()) ?? []
  const address = bracketed ?? dotted ?? entry.trim()
  return isIP(address) === 0 || address.includes('%') ? undefined : canonicalAddress(address)
}
