import type { AccountId, AppId, BuildId, ReleaseId, SlugId } from './ids.ts'
import type { ErrorCode } from '../errors.ts'
import type { BuildSource } from './source.ts'

/**
 * One accepted push (or API build) on its way to serving. `succeeded` means that its release is
 * live: compile, release command and deploy are phases of a running build.
 */
export type Build = {
  id: BuildId
  appId: AppId
  accountId: AccountId
  /** The 40 hex digits of the commit; `noCommit` until a build's tarball became one. */
  commit: string
  /** A tarball, and what its author calls it; null: the commit was pushed. */
  source: Pick<BuildSource, 'version'> | null
  /** The ref to move when the release serves (`refs/heads/main`), or null for a rebuild. */
  ref: string | null
  /** What `ref` pointed to when the push was accepted; null: it did not exist. */
  previousCommit: string | null
  /** Asked for with this build; null: those of the app. */
  buildpacks: string[] | null
  noCache: boolean
  /** Nobody waits for the verdict: the ref was let through already. */
  detached: boolean
  /** Counts the attempts. Only the holder of the current generation may write to the build. */
  generation: number
  /**
   * How many workers were killed, or killed themselves, while they had it; those that stop give it
   * back.
   */
  losses: number
  state: BuildState
  /**
   * Set as soon as the phase that makes it is complete, so that a resumed build skips that phase.
   */
  slugId: SlugId | null
  releaseId: ReleaseId | null
  createdAt: Date
  updatedAt: Date
}

export type BuildState =
  | { kind: 'pending' }
  | { kind: 'running'; startedAt: Date; cancelRequested: boolean }
  | { kind: 'succeeded'; finishedAt: Date }
  | { kind: 'failed'; finishedAt: Date; code: ErrorCode; reason: string }
  | { kind: 'cancelled'; finishedAt: Date }
  | { kind: 'superseded'; finishedAt: Date; by: string }

/** What people call what is built: `1a2b3c4d`, or the version its author gave a tarball. */
export function buildVersion({ source, commit }: Pick<Build, 'source' | 'commit'>): string {
  return source ? (source.version?.slice(0, 40) ?? 'tarball') : commit.slice(0, 8)
}

/** True once the state can never change again. */
export function isFinished(state: BuildState): boolean {
  return state.kind !== 'pending' && state.kind !== 'running'
}

/** The times of one build by phase, in milliseconds, in the order they happened. */
export type PhaseTimes = Record<string, number>

/** `source 0.05s, compile 0.31s, boot 0.60s` */
export function describePhases(phases: PhaseTimes): string {
  return Object.entries(phases)
    .map(([name, milliseconds]) => `${name} ${(milliseconds / 1000).toFixed(2)}s`)
    .join(', ')
}
