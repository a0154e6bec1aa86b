import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../config.ts'
import type { Logger } from '../log.ts'
import type { Account } from '../model/account.ts'
import type { Store } from '../store/store.ts'

type Deps = {
  store: Pick<Store, 'accounts' | 'tokens'>
  config: Pick<Config, 'publicUrl' | 'domain' | 'credentialsFile'>
  log: Logger
}

/** What the command keeps: the login of each server, by its URL. */
type Credentials = { servers: Record<string, { token: string; email: string }>; default?: string }

/**
 * Makes the first account at the first start, and logs the command of this machine in. A login for this server that
 * still works stays as it is, whoever's it is; one that does not (the data directory was a different one) is replaced.
 */
export function welcomeAdmin({ store, config, log }: Deps): void {
  const admin = store.accounts.list().find((account) => account.admin) ?? createAdmin({ store, config, log })
  try {
    const credentials = readCredentials(config.credentialsFile)
    const present = credentials.servers[config.publicUrl]
    if (present && store.tokens.authenticate(present.token)) return
    logIn(store, config, admin, credentials)
    log.info({ file: config.credentialsFile, email: admin.email }, 'the paas command is logged in')
  } catch (cause) {
    // The server serves without it; the operator sees why the command asks for a login.
    log.warn(
      { reason: (cause as Error).message, file: config.credentialsFile },
      'the paas command could not be logged in',
    )
  }
}

function createAdmin({ store, config, log }: Deps): Account {
  const domain = config.domain.includes('.') ? config.domain : `paas.${config.domain}`
  const account = store.accounts.create({ email: `admin@${domain}`, name: 'Administrator', admin: true })
  log.info({ account: account.id, email: account.email }, 'first account made')
  return account
}

function logIn(
  { tokens }: Deps['store'],
  { publicUrl, credentialsFile }: Deps['config'],
  { id, email }: Account,
  credentials: Credentials,
): void {
  const { token, secret } = tokens.create({
    accountId: id,
    description: 'paas command of the server',
    scope: ['global'],
  })
  try {
    const servers = { ...credentials.servers, [publicUrl]: { token: secret, email } }
    writeCredentials(credentialsFile, { default: publicUrl, ...credentials, servers })
  } catch (cause) {
    tokens.remove(token.id)
    throw cause
  }
}

function readCredentials(path: string): Credentials {
  try {
    const content = JSON.parse(readFileSync(path, 'utf8')) as Partial<Credentials> | null
    return { ...content, servers: { ...content?.servers } }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { servers: {} }
    // Its parse error would quote the file, which holds tokens.
    if (cause instanceof SyntaxError) throw new Error('it is not JSON', { cause: undefined })
    throw cause
  }
}

/** Replaced in one step, and readable by its owner only. */
function writeCredentials(path: string, credentials: Credentials): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 })
  chmodSync(draft, 0o600)
  renameSync(draft, path)
}
