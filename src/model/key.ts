import type { AccountId, KeyId } from './ids.ts'

/** A public SSH key of an account. Git is served over HTTP only, so nothing is let in by it. */
export type Key = {
  id: KeyId
  accountId: AccountId
  /** `TYPE BASE64 COMMENT`, on one line. */
  publicKey: string
  comment: string
  /** As `ssh-keygen -l` prints it: `SHA256:…`. */
  fingerprint: string
  createdAt: Date
}
