import type { AccountId, AppId, AppTransferId } from './ids.ts'

/** An app that its owner offers to another account, which takes it or not. */
export type AppTransfer = {
  id: AppTransferId
  appId: AppId
  ownerId: AccountId
  recipientId: AccountId
  state: 'pending' | 'accepted' | 'declined'
  createdAt: Date
  updatedAt: Date
}
