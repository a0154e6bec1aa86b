import { readFile } from 'node:fs/promises'
import type { Config } from '../../config.ts'
import type { Api, ApiDeps } from '../deps.ts'

/**
 * `GET /server`: what a client must know to reach git and dynos over TLS. Heroku has no call for
 * it.
 */
export function serverInfoRoute(api: Api, { config }: Pick<ApiDeps, 'config'>): void {
  api.get('/server', { config: { scope: 'identity' } }, async () => ({
    url: config.publicUrl,
    tls: config.httpsPort === undefined ? null : { port: config.httpsPort, authority: await readAuthority(config) },
  }))
}

/** The certificate of the server's own authority, PEM; null until the router has made it. */
async function readAuthority({ paths }: Pick<Config, 'paths'>): Promise<string | null> {
  try {
    return await readFile(paths.tlsAuthority, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
    throw cause
  }
}
