import { PaasError } from '../../errors.ts'
import type { Server } from '../server.ts'

/**
 * Where git reaches the server over TLS, and a file with the certificate of the authority to trust
 * there.
 */
export type TlsPlace = { host: string; authority: string }

/** A variable to set; undefined: to unset. */
export type ShellVariables = Record<string, string | undefined>

/**
 * What makes Heroku's command (npm `heroku` 11) speak to this server and to nobody else. The names
 * are those that its sources read. Without `token` it asks for a login of its own, which it keeps
 * in ~/.netrc.
 *
 * @param present what is set already, of which NODE_OPTIONS and the settings of git are kept
 * @throws host_not_accepted for a server that it would not send the token to
 */
export function herokuEnvironment(
  { url, token }: Server,
  { tls, guard, present = {} }: { tls?: TlsPlace | undefined; guard: string; present?: ShellVariables },
): ShellVariables {
  checkHost(url)
  const { host, hostname } = new URL(url)
  return {
    HEROKU_HOST: url,
    HEROKU_API_KEY: token,
    HEROKU_GIT_HOST: tls?.host ?? host,
    // Each of these would otherwise default to an address of Heroku's.
    HEROKU_PARTICLEBOARD_URL: url,
    HEROKU_LOGIN_HOST: url,
    HEROKU_BUILDPACK_REGISTRY_URL: url,
    HEROKU_STATUS_HOST: url,
    HEROKU_EXEC_URL: url,
    HEROKU_CI_WEBSOCKET_URL: `${url.replace(/^http/, 'ws')}/socket`,
    // Without a port: the command appends that of HEROKU_HOST.
    HEROKU_DATA_HOST: hostname,
    PGDIAGNOSE_URL: hostname,
    // Using the system keychain would overwrite the login for Heroku.
    HEROKU_NETRC_WRITE: 'true',
    DISABLE_TELEMETRY: 'true',
    HEROKU_SKIP_NEW_VERSION_CHECK: 'true',
    HEROKU_DISABLE_AUTOUPDATE: '1',
    NODE_OPTIONS: withGuard(present['NODE_OPTIONS'] ?? '', guard),
    ...(tls ? { NODE_EXTRA_CA_CERTS: tls.authority, ...gitSettings(tls, present) } : {}),
  }
}

/**
 * It drops any HEROKU_HOST without "localhost" or "127.0.0.1" in it, and sends the token to these
 * two names only.
 * @throws host_not_accepted
 */
export function checkHost(url: string): void {
  const { hostname, port } = new URL(url)
  if (['localhost', '127.0.0.1'].includes(hostname)) return
  throw new PaasError(
    'host_not_accepted',
    `Heroku's command does not accept ${url}: it would talk to Heroku itself, with your token. It accepts localhost.`,
    {
      hint:
        `Open a tunnel, ssh -L 8080:localhost:${port || 8080} -L 8443:localhost:8443 ${hostname}, then: ` +
        'paas login http://localhost:8080. Or use paas, which accepts any server.',
    },
  )
}

function withGuard(options: string, guard: string): string {
  const option = `--require=${quoteForNode(guard)}`
  return options.includes(option) ? options : `${options} ${option}`.trim()
}

/**
 * NODE_OPTIONS splits at spaces, except between double quotes, where a backslash escapes (node(1)).
 */
function quoteForNode(path: string): string {
  return /[\s"\\]/.test(path) ? `"${path.replaceAll(/["\\]/g, String.raw`\$&`)}"` : path
}

/**
 * For this place only (git-config(1), GIT_CONFIG_COUNT): GIT_SSL_CAINFO would make git trust nobody
 * else. Where it is set, git heeds nothing else.
 */
function gitSettings({ host, authority }: TlsPlace, present: ShellVariables): ShellVariables {
  if (present['GIT_SSL_CAINFO']) return { GIT_SSL_CAINFO: authority }
  const key = `http.https://${host}/.sslCAInfo`
  const count = Number(present['GIT_CONFIG_COUNT'] ?? 0)
  const known = Array.from({ length: count }, (_, at) => present[`GIT_CONFIG_KEY_${at}`]).indexOf(key)
  const at = known === -1 ? count : known
  return {
    GIT_CONFIG_COUNT: String(Math.max(count, at + 1)),
    [`GIT_CONFIG_KEY_${at}`]: key,
    [`GIT_CONFIG_VALUE_${at}`]: authority,
  }
}
