import type { AccountId, AppId, ReleaseId, SlugId } from './ids.ts'

/**
 * Slug + config vars under a number; never edited. A rollback is a new release with old contents.
 */
export type Release = {
  id: ReleaseId
  appId: AppId
  /** 1, 2, 3, … per app, shown as v1, v2, v3. */
  version: number
  /** null: config only, nothing to run yet. */
  slugId: SlugId | null
  /** Heroku's texts: `Deploy 1a2b3c4d`, `Set A, B config vars`, `Rollback to v46`. */
  description: string
  /**
   * Its slug was chosen, by a build or by the user who made the release; else it uses that of an
   * earlier one.
   */
  bringsCode: boolean
  accountId: AccountId
  state: ReleaseState
  /** Whether its release command has ended well; false as well when there is none. */
  commandDone: boolean
  createdAt: Date
  updatedAt: Date
}

export type ReleaseState =
  | { kind: 'pending' }
  | { kind: 'succeeded' }
  /** It never served: the newer release of this version, which contains it, did. */
  | { kind: 'superseded'; by: number }
  | { kind: 'failed'; reason: string }

/** Config var key → value, as one release holds it. */
export type ConfigVars = Record<string, string>
