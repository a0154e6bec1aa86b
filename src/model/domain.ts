import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import type { AppId, DomainId, SniEndpointId } from './ids.ts'

/** A host name of the user's own that leads to an app. */
export type Domain = {
  id: DomainId
  appId: AppId
  /**
   * Lower-case, in ASCII (IDNA); `*.example.com` stands for every name below example.com that is
   * not named itself.
   */
  hostname: string
  /** Whose certificate its visitors are shown. */
  sniEndpointId: SniEndpointId | null
  createdAt: Date
  updatedAt: Date
}

export const mostDomains = 100

/** Characters that a host name may take as people write it: IDNA makes more or fewer of them. */
const longestText = 1000
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * A host name as it is looked up: lower-case, IDNA, without the root's dot; a wildcard only as the
 * whole first label.
 * @returns or why it is none, to follow its name in a sentence
 */
export function parseHostname(text: string): { hostname: string } | { problem: string } {
  if (text.length > longestText) return { problem: 'is longer than 253 characters' }
  const wildcard = text.startsWith('*.')
  const name = text.slice(wildcard ? 2 : 0).replace(/\.$/, '')
  if (name.includes('*')) return { problem: 'may have a * only as its first label' }
  if (/[\x00-\x20%/:@?#\\[\]]/.test(name))
    return { problem: 'is not a host name: leave out scheme, port, path and spaces' }
  const ascii = domainToASCII(name)
  const labels = ascii.split('.')
  if (ascii.length > 253 - (wildcard ? 2 : 0)) return { problem: 'is longer than 253 characters' }
  if (!labels.every((part) => label.test(part))) {
    return { problem: 'is not a host name: labels have letters, digits and dashes, at most 63 each' }
  }
  if (labels.length < 2) return { problem: 'needs a dot: a name such as www.example.com' }
  if (isIP(ascii) || !/[a-z]/.test(labels.at(-1) ?? '')) return { problem: 'is an IP address; use a host name' }
  return { hostname: `${wildcard ? '*.' : ''}${ascii}` }
}

/** Whether `pattern` is `host`, or a wildcard above it. */
export function covers(pattern: string, host: string): boolean {
  return pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)))
}
