import type { Role } from './access.ts'
import type { Token } from './account.ts'
import type { AccountId, AppId } from './ids.ts'

/**
 * Who asks: an account, by a token as it is now. Without a token it is the account itself, by its
 * password or for something of its own.
 */
export type Asker = { accountId: AccountId; token: Pick<Token, 'id' | 'fingerprint'> | null }

/**
 * What allows something that lasts: it ends with the account, with the token, and with the role for
 * the app.
 */
export type Grant = Asker & { app: { id: AppId; role: Role } | null }
