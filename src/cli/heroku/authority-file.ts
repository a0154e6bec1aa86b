import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Client } from '../client.ts'
import { credentialsPath } from '../../credentials.ts'
import type { ShellVariables, TlsPlace } from './environment.ts'
import type { ServerJson } from '../resources/server.ts'

/**
 * Writes the file with whom to trust where the server speaks TLS, and gives both. Node and git take
 * one such file each, so it also has the certificates of the files that `present` names. undefined:
 * the server does not use TLS.
 */
export async function writeAuthorityFile(api: Client, present: ShellVariables): Promise<TlsPlace | undefined> {
  const { tls } = await api.get<ServerJson>('/server')
  if (!tls?.authority) return undefined
  const { hostname } = new URL(api.server.url)
  const authority = join(dirname(credentialsPath()), 'authorities', `${hostname}-${tls.port}.pem`)
  const others = [present['NODE_EXTRA_CA_CERTS'], present['GIT_SSL_CAINFO']].filter((path) => path !== undefined)
  const certificates = [tls.authority, ...others.map((path) => readFileSync(path, 'utf8'))].flatMap(splitPem)
  save(authority, [...new Set(certificates)].join(''))
  return { host: `${hostname}:${tls.port}`, authority }
}

function splitPem(text: string): string[] {
  return Array.from(text.matchAll(/-----BEGIN [\s\S]+?-----END [A-Z ]+-----/g), ([pem]) => `${pem}\n`)
}

function save(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, text)
  renameSync(draft, path)
}
