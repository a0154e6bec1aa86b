import type { AccountId, TokenId } from './ids.ts'

export type Account = {
  id: AccountId
  email: string
  name: string | null
  /** May see and change every app and account. The account made at the first start is one. */
  admin: boolean
  /** Since when neither its password nor its tokens are taken; its apps run on. */
  suspendedAt: Date | null
  /** Whether a login with the password needs a second factor. */
  twoFactor: boolean
  createdAt: Date
  updatedAt: Date
}

/** An API token as the database keeps it: only the SHA-256 of its secret is stored. */
export type Token = {
  id: TokenId
  accountId: AccountId
  /** Of the hash of its secret, so that a token that was given another secret is another one. */
  fingerprint: string
  description: string
  /** Heroku's scopes: global, identity, read, write, read-protected, write-protected. */
  scope: string[]
  /** Made by a login with email and password: a logout revokes it. */
  session: boolean
  createdAt: Date
  updatedAt: Date
  expiresAt: Date | null
}
