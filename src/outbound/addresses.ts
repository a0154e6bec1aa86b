import { isIP, type BlockList } from 'node:net'
import { blockListOf, contains } from '../model/cidr.ts'
import { networkInterfaces } from 'node:os'

/**
 * What is not the public internet: IANA's special-purpose registries for IPv4 and IPv6 (RFC 6890
 * and its successors).
 */
const special = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
]
/**
 * Global unicast but for what has an IPv4 address inside (Teredo, 6to4) and what is for
 * documentation.
 */
const publicIPv6 = blockListOf(['2000::/3'])
const notPublicIPv6 = blockListOf(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'])
const notPublicIPv4 = blockListOf(special)

export type AddressRules = {
  /** IPv4 networks in CIDR notation that the operator opens. */
  allow: string[]
  /**
   * Where this machine's own addresses may be reached: apps on this server take logs and events
   * too.
   */
  ownPorts: number[]
}

/** Which addresses what strangers entered may lead to. */
export class AddressPolicy {
  readonly #allowed: BlockList
  readonly #ownPorts: number[]

  constructor({ allow, ownPorts }: AddressRules) {
    this.#allowed = blockListOf(allow)
    this.#ownPorts = ownPorts
  }

  /** Whether the operator opened the address. */
  opens(address: string): boolean {
    return contains(this.#allowed, address)
  }

  /** @param address IPv4 or IPv6, an IPv4 one inside IPv6 (`::ffff:…`) counts as what it is */
  permits(address: string, port: number): boolean {
    if (this.opens(address)) return true
    if (!isPublic(address)) return false
    return this.#ownPorts.includes(port) || !isOurs(address)
  }
}

function isPublic(address: string): boolean {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
  if (isIP(plain) === 4) return !contains(notPublicIPv4, plain)
  return isIP(plain) === 6 && contains(publicIPv6, plain) && !contains(notPublicIPv6, plain)
}

/**
 * What listens on all addresses is meant for this machine's neighbours at most, even if one of them
 * is public.
 */
function isOurs(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return own.some((one) => one.address === address)
}
