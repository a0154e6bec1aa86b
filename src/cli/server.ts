import { PaasError } from '../errors.ts'
import { readCredentials } from '../credentials.ts'

/** A server to talk to and the token to do it with. */
export type Server = { url: string; token: string | undefined }

type Environment = Record<string, string | undefined>

/** What a server is called where nothing says otherwise. */
const usualServer = 'http://localhost:8080'

/**
 * Which server: PAAS_URL, else the one asked for (that of the git remote), else that of the last
 * login, else the usual one. Its token: PAAS_TOKEN, else that of the login.
 * @throws url_invalid
 */
export function chooseServer(wanted?: string, env: Environment = process.env): Server {
  const url = env['PAAS_URL'] ? usualUrl(env) : (wanted ?? usualUrl(env))
  return { url, token: tokenFor(url, env) }
}

/**
 * The token for one server. That of the environment is for the server of PAAS_URL or the usual one,
 * never for another that a repository may name.
 */
export function tokenFor(url: string, env: Environment = process.env): string | undefined {
  return (url === usualUrl(env) ? env['PAAS_TOKEN'] : undefined) || readCredentials().servers[url]?.token
}

function usualUrl(env: Environment): string {
  return env['PAAS_URL'] ? parseServerUrl(env['PAAS_URL'], 'PAAS_URL') : (readCredentials().default ?? usualServer)
}

/**
 * The origin of a URL as people type it; without a scheme, http for names of this machine and https
 * for others.
 */
export function parseServerUrl(text: string, what: string): string {
  const local = /^(localhost|127\.0\.0\.1|[\w.-]+\.localhost)(:|\/|$)/i.test(text)
  const candidate = text.includes('://') ? text : `${local ? 'http' : 'https'}://${text}`
  const url = URL.canParse(candidate) ? new URL(candidate) : undefined
  if (url && /^https?:$/.test(url.protocol)) return url.origin
  throw new PaasError('url_invalid', `${what} is "${text}"; it must be the URL of a server, such as ${usualServer}.`)
}
