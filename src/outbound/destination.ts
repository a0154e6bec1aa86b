import { lookup, promises as dns } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { PaasError } from '../errors.ts'
import type { AddressPolicy } from './addresses.ts'

/** Where something that a user entered leads to. `host` has no brackets around IPv6. */
export type Destination = { host: string; port: number }

/** How long an address may take to be found before a new URL is taken without, milliseconds. */
const patience = 3000

/**
 * The first look at an address, when it is entered. A name that cannot be found now is accepted:
 * the look that counts is `guardedLookup`'s, at every connection.
 * @throws address_forbidden
 */
export async function checkDestination(policy: AddressPolicy, { host, port }: Destination): Promise<void> {
  const found = isIP(host) ? [host] : await addressesOf(host)
  if (found.every((address) => policy.permits(address, port))) return
  throw forbidden(host, port)
}

/**
 * For the `lookup` of a socket: what it gives is what is connected to, so a name that leads
 * elsewhere than it did before gains nothing. One address that is not permitted is enough to refuse
 * a name.
 * @throws address_forbidden, in its callback
 */
export function guardedLookup(policy: AddressPolicy, port: number): LookupFunction {
  return (host, options, found) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error || first === undefined) return found(error ?? new Error('no address'), '')
      if (!addresses.every(({ address }) => policy.permits(address, port))) return found(forbidden(host, port), '')
      return options.all ? found(null, addresses) : found(null, first.address, first.family)
    })
  }
}

/**
 * Sockets look no addresses up, so one that is an address itself is judged here.
 * @throws address_forbidden
 */
export function refuseForbiddenAddress(policy: AddressPolicy, { host, port }: Destination): void {
  if (isIP(host) && !policy.permits(host, port)) throw forbidden(host, port)
}

async function addressesOf(host: string): Promise<string[]> {
  const late = AbortSignal.timeout(patience)
  const none = new Promise<[]>((resolve) => late.addEventListener('abort', () => resolve([])))
  const found = dns.lookup(host, { all: true }).catch(() => [])
  return (await Promise.race([found, none])).map(({ address }) => address)
}

function forbidden(host: string, port: number): PaasError {
  return new PaasError('address_forbidden', `${host} (port ${port}) is not on the public internet.`)
}
