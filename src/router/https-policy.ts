import type { AppRoute, HostCertificate } from '../model/route.ts'
import type { RequestHead } from './http/request-head.ts'
import type { Answer } from './router-error.ts'

/** Seconds: of use, and soon forgotten when certificates are given up. */
const usualHsts = 2_592_000

/**
 * What an app has of HTTPS: whether its visitors are sent there, and told to stay (RFC 6797). What
 * is not set is so where a certificate that came by itself is shown, and lasts.
 */
export class HttpsPolicy {
  readonly #settings: NonNullable<AppRoute['https']>
  /** By host or wildcard: until when there is one, milliseconds since 1970. */
  readonly #until = new Map<string, number>()

  constructor(settings: AppRoute['https'], certificates: HostCertificate[]) {
    this.#settings = settings ?? {}
    for (const { hosts, until } of certificates) {
      for (const host of until === undefined ? [] : hosts) this.#until.set(host, until!)
    }
  }

  /** Where a request that came without TLS is sent; undefined: it is served. */
  redirect({ method, host, target }: RequestHead, tlsPort: number): Answer | undefined {
    if (!(this.#settings.redirect ?? this.#isCertified(host))) return undefined
    // RFC 9110 section 15.4: the method stays with 308.
    const status = method === 'GET' || method === 'HEAD' ? 301 : 308
    const location = `https://${host}${tlsPort === 443 ? '' : `:${tlsPort}`}${target === '*' ? '/' : target}`
    return { status, title: 'Moved', text: `This app is at ${location}`, code: undefined, location }
  }

  /** The line that answers over TLS get, unless the app has its own; empty: none. */
  hsts(host: string): string {
    const seconds = this.#settings.hsts ?? (this.#isCertified(host) ? usualHsts : undefined)
    return seconds === undefined ? '' : `Strict-Transport-Security: max-age=${seconds}\r\n`
  }

  #isCertified(host: string): boolean {
    if (this.#until.size === 0) return false
    const until = this.#until.get(host) ?? this.#until.get(`*${host.slice(host.indexOf('.'))}`)
    return until !== undefined && until > Date.now()
  }
}
