import { PaasError } from '../errors.ts'
import { isAllowed, isAtLeast, type Scope } from '../model/access.ts'
import type { Account, Token } from '../model/account.ts'
import type { App } from '../model/app.ts'
import type { Grant } from '../model/grant.ts'
import type { CollaboratorRecords, TokenRecords } from '../store/account-records.ts'
import type { AppRecords } from '../store/store.ts'
import type { GitService } from './git-request.ts'

export type AuthorizeDeps = {
  tokens: Pick<TokenRecords, 'authenticate'>
  apps: Pick<AppRecords, 'find'>
  collaborators: Pick<CollaboratorRecords, 'roleOf'>
}

/** What an app's repository takes, to read it too. */
const neededRole = 'deploy'
/** What a token needs. */
const scopes: Record<GitService, Scope> = { 'receive-pack': 'write', 'upload-pack': 'read' }

/**
 * Who asks, and whether the app's repository is theirs to use. An app of somebody else is answered
 * exactly like one that does not exist. The source may hold secrets: to read it takes the role that
 * may change it. The grant is what a push or fetch that continues stands on.
 * @param header the Authorization header: Basic with the token as password and any user name, or
 *   Bearer
 * @throws unauthorized, app_not_found, forbidden
 */
export function authorize(
  { tokens, apps, collaborators }: AuthorizeDeps,
  { header, app: name, service }: { header: string | undefined; app: string; service: GitService },
): { account: Account; app: App; grant: Grant } {
  const { token, account } = identify(tokens, header)
  const app = apps.find(name)
  const role = app && collaborators.roleOf(account, app)
  if (!role) {
    throw new PaasError('app_not_found', `${account.email} has no app named ${name} on this server.`)
  }
  const deed = service === 'receive-pack' ? 'push to' : 'read the source of'
  if (!isAtLeast(role, neededRole)) {
    throw new PaasError('forbidden', `You may not ${deed} ${name}: your role is ${role}, and this needs ${neededRole}.`)
  }
  if (!isAllowed(token.scope, scopes[service])) {
    throw new PaasError('forbidden', `This token may not ${deed} ${name}: its scope is ${token.scope.join(', ')}.`)
  }
  const { id, fingerprint } = token
  const grant = { accountId: account.id, token: { id, fingerprint }, app: { id: app.id, role: neededRole } } as const
  return { account, app, grant }
}

function identify(tokens: AuthorizeDeps['tokens'], header: string | undefined): { token: Token; account: Account } {
  if (header === undefined) throw new PaasError('unauthorized', 'This repository needs a login.')
  const secret = secretOf(header)
  const found = secret === undefined ? undefined : tokens.authenticate(secret)
  if (!found) throw new PaasError('unauthorized', 'The token is unknown or has expired.')
  return found
}

/** RFC 7617 and RFC 6750; undefined for what is neither. */
function secretOf(header: string): string | undefined {
  const [, scheme = '', credentials = ''] = /^(basic|bearer) +([\w.~+/=-]+) *$/i.exec(header) ?? []
  if (scheme.toLowerCase() === 'bearer') return credentials
  const [, password] = /^[^:]*:(.+)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? []
  return password
}
