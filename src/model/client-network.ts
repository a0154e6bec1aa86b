/**
 * The address that the router saw, from its X-Forwarded-For: only the router can reach the api's
 * socket, and it sets the header itself.
 */
export function clientIn(forwarded: string | string[] | undefined): string {
  return (
    String(forwarded ?? '')
      .split(',')
      .at(-1)
      ?.trim() ?? ''
  )
}

/**
 * What stands for one client in a limit: an IPv4 address, also one that is mapped into IPv6 (RFC
 * 4291 section 2.5.5.2), and of IPv6 the network: each customer has a /64 at least, and often a /48
 * (RFC 6177).
 */
export function clientNetwork(address: string, bits: 64 | 48 = 64): string {
  const groups = groupsOf(address)
  if (groups.length !== 8) return address
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (isMapped)
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 255])
      .join('.')
  return `${groups
    .slice(0, bits / 16)
    .map((group) => group.toString(16))
    .join(':')}::/${bits}`
}

/**
 * An address as all write it that mean the same one: IPv6 by RFC 5952, IPv4 inside IPv6 as IPv4.
 * @param address valid, without an interface's name
 */
export function canonicalAddress(address: string): string {
  if (!address.includes(':')) return address
  const written = new URL(`http://[${address}]`).hostname.slice(1, -1)
  return /^::ffff:[\da-f]+:[\da-f]+$/.test(written) ? clientNetwork(written) : written
}

/** Eight numbers; fewer for what is no IPv6 address. */
function groupsOf(address: string): number[] {
  if (!address.includes(':')) return []
  const [plain = ''] = address.split('%')
  const [head = [], tail] = plain.split('::').map(parse)
  if (tail === undefined) return head
  return [...head, ...Array<number>(Math.max(0, 8 - head.length - tail.length)).fill(0), ...tail]
}

function parse(part: string): number[] {
  if (part === '') return []
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}
