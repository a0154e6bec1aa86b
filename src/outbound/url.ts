import { PaasError } from '../errors.ts'
import type { Destination } from './destination.ts'

/** Characters an address has at most, unless its user says otherwise. */
const usualLength = 1000

/** The port of each scheme that may be given without one. */
export type Schemes = Record<string, number>

/**
 * @param what for the message: `The URL of a drain`
 * @throws invalid_params for what is no URL, has a scheme that is not among `schemes`, or no host
 */
export function parseTarget(text: string, what: string, schemes: Schemes, longest = usualLength): URL {
  const known = Object.keys(schemes).map((scheme) => `${scheme}://`)
  const url = text.length <= longest && URL.canParse(text) ? new URL(text) : undefined
  const scheme = url?.protocol.slice(0, -1) ?? ''
  if (url && scheme in schemes && /^[a-z\d+-]+:\/\//i.test(text) && isHost(url.hostname) && url.port !== '0') return url
  throw new PaasError(
    'invalid_params',
    `${what} must be a host after ${known.slice(0, -1).join(', ')} or ${known.at(-1)}, ${longest} characters at most.`,
  )
}

export function destinationOf(url: URL, schemes: Schemes): Destination {
  const port = url.port === '' ? schemes[url.protocol.slice(0, -1)] : Number(url.port)
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: port ?? 0 }
}

/**
 * Only http and https have their hosts checked by the URL parser itself (WHATWG URL section 3.5).
 */
function isHost(host: string): boolean {
  return host.length <= 253 && /^(\[[\da-f:.]+\]|[a-z\d_][\w.-]*)$/i.test(host)
}
