import type { GivenRole } from './access.ts'
import type { AccountId, AppId, CollaboratorId } from './ids.ts'

/**
 * An account that the owner of an app lets use it. The owner is none: an app names its owner
 * itself.
 */
export type Collaborator = {
  id: CollaboratorId
  appId: AppId
  accountId: AccountId
  role: GivenRole
  createdAt: Date
  updatedAt: Date
}
