import { isIP } from 'node:net'
import type { Config } from '../config.ts'
import { PaasError } from '../errors.ts'
import { AddressPolicy } from '../outbound/addresses.ts'
import { refuseForbiddenAddress } from '../outbound/destination.ts'
import { httpSchemes } from '../outbound/post.ts'
import { destinationOf, parseTarget } from '../outbound/url.ts'

/**
 * Where somebody else's pack is: a git repository, with the branch, tag or commit behind `#`, or a
 * .tgz.
 */
export type PackUrl = `https://${string}` | `http://${string}`

/** Builds fetch packs themselves, so what they may reach is what a pack's URL may lead to. */
export function createPackPolicy({ network, httpPort }: Pick<Config, 'network' | 'httpPort'>): AddressPolicy {
  return new AddressPolicy({ allow: network.allow, ownPorts: [httpPort, 80, 443] })
}

export function isPackUrl(text: string): text is PackUrl {
  return /^https?:\/\//i.test(text)
}

/**
 * The URL in its normal form, all of it visible ASCII.
 * @throws invalid_params for one that git or curl could take for anything but an address and the
 *   name of a ref, or that holds what would have to be kept secret; address_forbidden for an IP
 *   address that builds cannot reach
 */
export function parsePackUrl(text: string, policy: AddressPolicy): PackUrl {
  const url = parseTarget(text, 'The URL of a buildpack', httpSchemes)
  const destination = destinationOf(url, httpSchemes)
  const fault = faultOf(url)
  if (fault) throw new PaasError('invalid_params', `The URL of a buildpack ${fault}.`, { hint: form })
  refuseForbiddenAddress(policy, destination)
  const isOpened = isIP(destination.host) !== 0 && policy.opens(destination.host)
  if (url.protocol === 'https:' || isOpened) return url.href as PackUrl
  throw new PaasError('invalid_params', 'The URL of a buildpack must begin with https://.', { hint: form })
}

const form = 'Use https://HOST/PATH.git#REF, where REF is a branch, a tag or a commit, or https://HOST/PATH.tgz.'

function faultOf({ username, password, search, pathname, hash }: URL): string | undefined {
  if (username !== '' || password !== '')
    return 'must not have a user or a password, which all collaborators of the app would see'
  if (search !== '') return 'must not have a query'
  if (pathname === '/') return 'has no path'
  if (hash === '') return undefined
  if (/\.(tgz|tar\.gz)$/.test(pathname)) return 'names a tarball, which has no branches'
  return isRef(hash.slice(1)) ? undefined : 'has an invalid branch, tag or commit after #'
}

/** Of git-check-ref-format(1) what needs no quoting anywhere, and is no option and no refspec. */
function isRef(text: string): boolean {
  return /^[a-z\d][\w./-]{0,199}$/i.test(text) && !text.includes('..')
}
