import { PaasError } from '../errors.ts'
import type { Server } from './server.ts'

/** Where git reaches the server over TLS, and a file with the certificate of the authority to trust there. */
export type TlsPlace = { host: string; authority: string }

/** A variable to set; undefined: to unset. */
export type Environment = Record<string, string | undefined>

/**
 * What makes Heroku's command (npm `heroku` 11) speak to this server and to nobody else. The names are those that its
 * sources read. Without `token` it asks for a login of its own, which it keeps in ~/.netrc.
 *
 * @throws host_not_accepted for a server that it would not send the token to
 */
export function herokuEnvironment(
  { url, token }: Server,
  { tls, guard, nodeOptions = '' }: { tls?: TlsPlace | undefined; guard: string; nodeOptions?: string | undefined },
): Environment {
  const { host, hostname } = acceptedHost(url)
  return {
    HEROKU_HOST: url,
    HEROKU_API_KEY: token,
    HEROKU_GIT_HOST: tls?.host ?? host,
    // Each of these has an address of Heroku's own that would be used otherwise.
    HEROKU_PARTICLEBOARD_URL: url,
    HEROKU_LOGIN_HOST: url,
    HEROKU_BUILDPACK_REGISTRY_URL: url,
    HEROKU_STATUS_HOST: url,
    HEROKU_EXEC_URL: url,
    HEROKU_CI_WEBSOCKET_URL: `${url.replace(/^http/, 'ws')}/socket`,
    // Without a port: that of HEROKU_HOST is put after them.
    HEROKU_DATA_HOST: hostname,
    PGDIAGNOSE_URL: hostname,
    // A system keychain would lose the login for Heroku.
    HEROKU_NETRC_WRITE: 'true',
    DISABLE_TELEMETRY: 'true',
    HEROKU_SKIP_NEW_VERSION_CHECK: 'true',
    HEROKU_DISABLE_AUTOUPDATE: '1',
    NODE_OPTIONS: withGuard(nodeOptions, guard),
    ...(tls ? { NODE_EXTRA_CA_CERTS: tls.authority, GIT_SSL_CAINFO: tls.authority } : {}),
  }
}

/** It drops any HEROKU_HOST without "localhost" or "127.0.0.1" in it, and sends the token to these two names only. */
function acceptedHost(url: string): URL {
  const parsed = new URL(url)
  if (['localhost', '127.0.0.1'].includes(parsed.hostname)) return parsed
  const { hostname, port } = parsed
  throw new PaasError(
    'host_not_accepted',
    `Heroku's command does not accept ${url}: it would talk to Heroku itself, with your token. It accepts localhost.`,
    {
      hint:
        `Make a tunnel, ssh -L 8080:localhost:${port || 8080} -L 8443:localhost:8443 ${hostname}, then: ` +
        'paas login http://localhost:8080. Or go on with paas, which takes any server.',
    },
  )
}

function withGuard(options: string, guard: string): string {
  const option = `--require=${quoteForNode(guard)}`
  return options.includes(option) ? options : `${options} ${option}`.trim()
}

/** NODE_OPTIONS splits at spaces, except between double quotes, where a backslash escapes (node(1)). */
function quoteForNode(path: string): string {
  return /[\s"\\]/.test(path) ? `"${path.replaceAll(/["\\]/g, String.raw`\$&`)}"` : path
}
