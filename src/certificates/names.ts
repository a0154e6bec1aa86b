import { isIP } from 'node:net'

/** The name that proves a wildcard: it is all that is below it. */
export function baseOf(name: string): string {
  return name.replace(/^\*\./, '')
}

export function isWildcard(name: string): boolean {
  return name.startsWith('*.')
}

/** As it is in a URL, and in the Host field of who asks for it. */
export function urlHost(name: string): string {
  return isIP(name) === 6 ? `[${name}]` : name
}

/** What a handshake has for a host, or for an address (RFC 8738, section 6). */
export function handshakeName(name: string): string {
  if (isIP(name) === 4) return `${name.split('.').toReversed().join('.')}.in-addr.arpa`
  if (isIP(name) === 6) return `${nibblesOf(name).split('').toReversed().join('.')}.ip6.arpa`
  return name
}

/** The 32 hexadecimal digits of an IPv6 address. */
function nibblesOf(address: string): string {
  const { hostname } = new URL(`http://[${address}]`)
  const [head = '', tail] = hostname.slice(1, -1).split('::')
  const groups = (part: string | undefined): string[] => (part ? part.split(':') : [])
  const [first, last] = [groups(head), groups(tail)]
  const between = tail === undefined ? [] : Array<string>(8 - first.length - last.length).fill('0')
  return [...first, ...between, ...last].map((group) => group.padStart(4, '0')).join('')
}
