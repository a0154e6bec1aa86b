import type { GivenRole, Role } from '../model/access.ts'
import type { Account, Token } from '../model/account.ts'
import type { App } from '../model/app.ts'
import type { Collaborator } from '../model/collaborator.ts'
import type { AccountId, AppId, KeyId, TokenId } from '../model/ids.ts'
import type { Key } from '../model/key.ts'
import type { Quota, Usage } from '../model/quota.ts'

export interface AccountRecords {
  /** @throws name_taken */
  create(account: { email: string; name?: string; admin: boolean; password?: string }): Account
  /** Removed accounts are not found, here and in the list. */
  find(idOrEmail: string): Account | undefined
  /** Also of a removed account, for its past actions; empty for an unknown id. */
  emailOf(id: AccountId): string
  list(): Account[]
  /** The account, if the password is its own and it is not suspended (scrypt, constant time). */
  authenticate(email: string, password: string): Promise<Account | undefined>
  /** False for an account that only tokens can use. */
  hasPassword(id: AccountId): boolean
  setPassword(id: AccountId, password: string): Promise<void>
  /** @throws not_found */
  update(id: AccountId, change: Pick<Account, 'name'>): Account
  /** Suspends it: no login or token works any more. @throws not_found */
  suspend(id: AccountId): Account
  /** @throws not_found */
  restore(id: AccountId): Account
  /** With its tokens, keys and roles. It must not own an app that remains. */
  remove(id: AccountId): void
}

/** How much an account has of what may be limited. */
export interface AccountUsageRecords {
  used(id: AccountId): Usage
  /**
   * When each of the last hour's builds was taken for its apps, those that are gone too; oldest
   * first.
   */
  buildsTaken(id: AccountId): Date[]
  /** Sums over all apps that it owns, including those being destroyed. */
  appIds(id: AccountId): AppId[]
  /** What it was given in place of the server's limits. */
  given(id: AccountId): Partial<Quota>
  /** Replaces all that it was given. */
  give(id: AccountId, quota: Partial<Quota>): void
}

export interface TokenRecords {
  /** The secret is given this once; the database has its SHA-256. */
  create(token: { accountId: AccountId; description: string; scope: string[]; expiresAt?: Date; session?: boolean }): {
    token: Token
    secret: string
  }
  /**
   * The live token and its account for a secret; undefined when unknown, expired, or of an account
   * that is suspended.
   */
  authenticate(secret: string): { token: Token; account: Account } | undefined
  list(accountId: AccountId): Token[]
  find(id: TokenId): Token | undefined
  /** @throws not_found */
  describe(id: TokenId, description: string): Token
  /** Returns the token another secret; the present one is worthless at once. @throws not_found */
  rotate(id: TokenId): { token: Token; secret: string }
  remove(id: TokenId): void
  /** Those of logins with a password, but for one. */
  removeSessions(accountId: AccountId, kept: TokenId | null): void
}

/** Who else may use an app. Its owner is not among them. */
export interface CollaboratorRecords {
  /** Oldest first. */
  list(appId: AppId): Collaborator[]
  find(appId: AppId, accountId: AccountId): Collaborator | undefined
  /** Makes the account a collaborator, or changes its role. */
  set(appId: AppId, accountId: AccountId, role: GivenRole): Collaborator
  remove(appId: AppId, accountId: AccountId): void
  /**
   * The one rule of who may see, push to and change an app: undefined for who may not even see it.
   */
  roleOf(account: Pick<Account, 'id' | 'admin'>, app: Pick<App, 'id' | 'ownerId'>): Role | undefined
}

/** Second factors of logins: codes by time, and recovery codes. */
export interface TwoFactorRecords {
  /** A new secret, which counts once it is confirmed. Encrypted at rest. */
  begin(id: AccountId): Buffer
  /** Begun, and not confirmed. */
  isBegun(id: AccountId): boolean
  /** Enables what was begun, and gives its recovery codes this once; undefined for a wrong code. */
  confirm(id: AccountId, code: string): string[] | undefined
  /** Whether it is the account's code, of either kind. One that is right is used up by that. */
  check(id: AccountId, code: string): boolean
  /** Recovery codes that were not used. */
  codesLeft(id: AccountId): number
  /** Replaces the recovery codes. */
  renewCodes(id: AccountId): string[]
  /** Logins need the password alone from now on. */
  remove(id: AccountId): void
}

/** Public SSH keys. */
export interface KeyRecords {
  /** @throws name_taken for one that the account has */
  create(key: Pick<Key, 'accountId' | 'publicKey' | 'comment' | 'fingerprint'>): Key
  /** Oldest first. */
  list(accountId: AccountId): Key[]
  remove(id: KeyId): void
}
