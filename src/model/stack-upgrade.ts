import type { AccountId, AppId, ReleaseId, StackUpgradeId } from './ids.ts'

/**
 * The move of apps to run images with Debian's updates. It is on record before it begins, so that
 * the next worker goes on with it.
 */
export type StackUpgrade = {
  id: StackUpgradeId
  /** null: begun at the hour that the operator chose. */
  accountId: AccountId | null
  state: StackUpgradeState
  moves: StackMove[]
  createdAt: Date
  updatedAt: Date
}

/** Finished: each app has a verdict. Failed: there is no patched image to move them to. */
export type StackUpgradeState =
  | { kind: 'running'; progress: string }
  | { kind: 'finished' }
  | { kind: 'failed'; reason: string }

/** @param releaseId what the app was moved by; null: it was not */
export type StackMove = { appId: AppId; releaseId: ReleaseId | null; state: StackMoveState; updatedAt: Date }

/** Current: its packages were up to date. Failed: it runs on what it ran on before. */
export type StackMoveState =
  | { kind: 'pending' }
  | { kind: 'moved' }
  | { kind: 'current' }
  | { kind: 'unmovable'; reason: string }
  | { kind: 'failed'; reason: string }
