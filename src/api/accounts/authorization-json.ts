import type { Account, Token } from '../../model/account.ts'
import { time, uuidOf } from '../http/shapes.ts'

/** @param secret known only at the moment it is made: the database has its hash */
export function authorizationJson(token: Token, account: Account, secret?: string): object {
  return {
    access_token: {
      id: uuidOf(`token ${token.id}`),
      expires_in: expiresIn(token),
      token: secret ?? '[shown once, when it was made]',
    },
    client: null,
    created_at: time(token.createdAt),
    description: token.description,
    grant: null,
    id: token.id,
    refresh_token: null,
    scope: token.scope,
    session: token.session ? { id: token.id } : null,
    updated_at: time(token.updatedAt),
    user: { id: account.id, email: account.email, full_name: account.name },
  }
}

/** Heroku's session, which its schema does not have. */
export function sessionJson(token: Token): object {
  return {
    created_at: time(token.createdAt),
    description: token.description,
    expires_in: expiresIn(token),
    id: token.id,
    updated_at: time(token.updatedAt),
  }
}

/** Seconds; null for one that does not expire. */
function expiresIn({ expiresAt }: Token): number | null {
  return expiresAt && Math.max(0, Math.round((expiresAt.getTime() - Date.now()) / 1000))
}
