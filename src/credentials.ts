import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { isCode, PaasError } from './errors.ts'

/**
 * Who the user is on one server. `authorization` is the id of the token, where the command made it
 * itself.
 */
export type Login = { token: string; email: string; authorization?: string }

/** Servers by their origin, such as `http://localhost:8080`. */
export type Credentials = { servers: Record<string, Login>; default?: string }

type Environment = Record<string, string | undefined>

/** `$XDG_CONFIG_HOME/paas/credentials.json`, else under `~/.config`. */
export function credentialsPath(env: Environment = process.env): string {
  return join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'paas', 'credentials.json')
}

/** None yet is an empty list. @throws credentials_unreadable */
export function readCredentials(path = credentialsPath()): Credentials {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (isCredentials(parsed)) return parsed
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return { servers: {} }
    throw new PaasError('credentials_unreadable', `${path} cannot be read: ${reasonOf(cause)}.`, { cause })
  }
  throw new PaasError('credentials_unreadable', `${path} is not a credentials file of paas.`)
}

/**
 * Keeps a login and makes its server the default one. The file is its owner's only (0600), and
 * replaced in one step.
 */
export function saveLogin(server: string, login: Login, path = credentialsPath()): void {
  const { servers } = readCredentials(path)
  write(path, { servers: { ...servers, [server]: login }, default: server })
}

/** Likewise, but another server that is the default one stays so. */
export function addLogin(server: string, login: Login, path = credentialsPath()): void {
  const { servers, default: current = server } = readCredentials(path)
  write(path, { servers: { ...servers, [server]: login }, default: current })
}

export function forgetLogin(server: string, path = credentialsPath()): void {
  const { servers, default: current } = readCredentials(path)
  const { [server]: _forgotten, ...rest } = servers
  const next = current === server ? Object.keys(rest)[0] : current
  write(path, { servers: rest, ...(next === undefined ? {} : { default: next }) })
}

function write(path: string, credentials: Credentials): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 })
  chmodSync(draft, 0o600)
  renameSync(draft, path)
}

function isCredentials(value: unknown): value is Credentials {
  return isObject(value) && 'servers' in value && isObject(value.servers)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Parse errors quote the file, which holds tokens. */
function reasonOf(cause: unknown): string {
  if (cause instanceof SyntaxError) return 'it is not JSON'
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason'
}
