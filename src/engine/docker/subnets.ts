import { numberOf, parseCidr } from '../../model/cidr.ts'

/** First and last address of an IPv4 network, as numbers. */
export type Range = { first: number; last: number }

/** Our pool: 4096 networks of 254 hosts each. */
export const ourNetworks = '10.208.0.0/12'
const pool = ipv4Range(ourNetworks)!
const size = 256

/**
 * A /24 of the pool that overlaps nothing in `taken`.
 * @param start where to begin looking; different for each network, so that servers that choose at
 *   the same time rarely meet
 */
export function freeSubnet(taken: Range[], start: number): string | undefined {
  const count = (pool.last + 1 - pool.first) / size
  for (let offset = 0; offset < count; offset++) {
    const first = pool.first + ((start + offset) % count) * size
    const candidate = { first, last: first + size - 1 }
    if (!taken.some((range) => overlap(range, candidate))) return `${dotted(first)}/24`
  }
  return undefined
}

/** undefined for what is not an IPv4 network in CIDR notation. Host bits are ignored. */
export function ipv4Range(text: string): Range | undefined {
  const cidr = parseCidr(text)
  return cidr?.family === 'ipv4' ? rangeOf(numberOf(cidr.address), 2 ** (32 - cidr.prefix)) : undefined
}

/**
 * The networks the host has routes to, from the text of /proc/net/route (proc(5): address and mask
 * in hex, least significant byte first). The default route is none of them.
 */
export function parseRoutes(table: string): Range[] {
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .flatMap(([, destination, , , , , , mask]) => {
      if (!destination || !mask || Number(`0x${mask}`) === 0) return []
      return [rangeOf(littleEndian(destination), 2 ** 32 - littleEndian(mask))]
    })
}

function rangeOf(address: number, count: number): Range {
  const first = Math.floor(address / count) * count
  return { first, last: first + count - 1 }
}

function overlap(a: Range, b: Range): boolean {
  return a.first <= b.last && b.first <= a.last
}

function littleEndian(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE()
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')
}
