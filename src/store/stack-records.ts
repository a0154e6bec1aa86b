import type { AccountId, AppId, ReleaseId, StackUpgradeId } from '../model/ids.ts'
import type { StackPatch } from '../model/stack.ts'
import type { StackMove, StackMoveState, StackUpgrade, StackUpgradeState } from '../model/stack-upgrade.ts'

/** How far the images of each stack are patched. */
export interface StackPatchRecords {
  newest(stack: string): StackPatch | undefined
  /** From now on the newest of the stack. */
  add(stack: string, snapshot: string): void
}

export interface StackUpgradeRecords {
  /** Running, with a pending move for each app. Old ones that are over are forgotten. */
  create(upgrade: { accountId: AccountId | null; appIds: AppId[] }): StackUpgrade
  find(id: StackUpgradeId): StackUpgrade | undefined
  /** Those that run, oldest first. */
  listRunning(): StackUpgrade[]
  /** The newest move of the app that has a verdict. */
  lastMove(appId: AppId): StackMove | undefined
  setState(id: StackUpgradeId, state: StackUpgradeState): void
  /** The app is being moved by this release. */
  recordRelease(id: StackUpgradeId, appId: AppId, releaseId: ReleaseId): void
  setMove(id: StackUpgradeId, appId: AppId, state: StackMoveState): void
}
