/**
 * `session`: the secret of the login's token. `visit`: a number by which the login form is known
 * again. `flash`: what the last request did, for the next page.
 */
export type CookieName = 'session' | 'visit' | 'flash'

/**
 * With TLS the name has a prefix by which the browser takes it from this host alone, and not from
 * an app below it (RFC 6265bis, 4.1.3.2). Without TLS browsers refuse the prefix.
 */
export function cookieName(name: CookieName, isSecure: boolean): string {
  return `${isSecure ? '__Host-' : ''}paas-${name}`
}

/** Without a domain, so that no app's host gets it. */
export function setCookie(cookie: { name: CookieName; value: string; seconds: number; isSecure: boolean }): string {
  const { name, value, seconds, isSecure } = cookie
  const attributes = ['Path=/', 'HttpOnly', 'SameSite=Lax', `Max-Age=${seconds}`, ...(isSecure ? ['Secure'] : [])]
  return [`${cookieName(name, isSecure)}=${value}`, ...attributes].join('; ')
}

/** The first of each name. */
export function cookiesOf(header: string): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals).trim()
    if (equals > 0 && !cookies.has(name)) cookies.set(name, pair.slice(equals + 1).trim())
  }
  return cookies
}
