import type { Config } from '../../config.ts'
import type { Logins } from '../../logins.ts'
import type { Logger } from '../../log.ts'
import type { Account } from '../../model/account.ts'
import type { Store } from '../../store/store.ts'
import { createLoginLink } from './login-links.ts'

type Deps = {
  store: Pick<Store, 'accounts' | 'tokens'>
  config: Pick<Config, 'publicUrl' | 'domain' | 'credentialsFile'>
  log: Logger
  logins: Logins
  /** Tells the person who started the server. */
  note: (text: string) => void
}

/**
 * Makes the first account at the first start, and logs the command of this machine in. A login for
 * this server that still works is kept, whichever account it is for; one that does not work (from
 * another data directory) is replaced. The first account has no password: a link logs a browser
 * in as it.
 */
export async function welcomeAdmin({ store, config, log, logins, note }: Deps): Promise<void> {
  const known = store.accounts.list().find(({ admin, suspendedAt }) => admin && !suspendedAt)
  const admin = known ?? createAdmin({ store, config, log })
  if (!known) note(`log in with a browser, once within ten minutes: ${createLoginLink({ store, config }, admin).url}`)
  try {
    const present = await logins.find()
    if (present && store.tokens.authenticate(present.token)) return
    await logIn(store, logins, admin)
    log.info({ file: config.credentialsFile, email: admin.email }, 'the paas command is logged in')
  } catch (cause) {
    // The server works without it; the log tells the operator why the command asks for a login.
    log.warn(
      { reason: (cause as Error).message, file: config.credentialsFile },
      'the paas command could not be logged in',
    )
  }
}

function createAdmin({ store, config, log }: Omit<Deps, 'logins' | 'note'>): Account {
  const domain = config.domain.includes('.') ? config.domain : `paas.${config.domain}`
  const account = store.accounts.create({ email: `admin@${domain}`, name: 'Administrator', admin: true })
  log.info({ account: account.id, email: account.email }, 'first account made')
  return account
}

async function logIn({ tokens }: Deps['store'], logins: Logins, { id, email }: Account): Promise<void> {
  const { token, secret } = tokens.create({
    accountId: id,
    description: 'paas command of the server',
    scope: ['global'],
  })
  try {
    await logins.add({ token: secret, email })
  } catch (cause) {
    tokens.remove(token.id)
    throw cause
  }
}
