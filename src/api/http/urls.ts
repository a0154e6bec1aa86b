import type { Config } from '../../config.ts'

type Location = Pick<Config, 'publicUrl' | 'domain'>

/** Where an app is reached: its name in front of the server's domain, the same scheme and port. */
export function webUrl({ publicUrl, domain }: Location, app: string): string {
  const url = new URL(publicUrl)
  url.hostname = `${app}.${domain}`
  return url.href
}

export function gitUrl({ publicUrl }: Location, app: string): string {
  return `${publicUrl}/${app}.git`
}

/** Where the client of a one-off dyno finds it: Heroku's rendezvous, which is spoken over TLS. */
export function attachUrl(
  { domain, httpsPort, httpPort }: Pick<Config, 'domain' | 'httpsPort' | 'httpPort'>,
  token: string,
): string {
  // Without TLS only our own command comes, and all it takes from this is the token.
  return `rendezvous://${domain}:${httpsPort ?? httpPort}/${token}`
}
