import type { Config } from '../../config.ts'

export function gitUrl({ publicUrl }: Pick<Config, 'publicUrl'>, app: string): string {
  return `${publicUrl}/${app}.git`
}

/** Where the client of a one-off dyno finds it: Heroku's rendezvous, which is spoken over TLS. */
export function attachUrl(
  { domain, httpsPort, httpPort }: Pick<Config, 'domain' | 'httpsPort' | 'httpPort'>,
  token: string,
): string {
  // Only our own command comes without TLS, and it uses nothing of this but the token.
  return `rendezvous://${domain}:${httpsPort ?? httpPort}/${token}`
}
