import type { ErrorCode } from '../errors.ts'
import type { Build, BuildState } from '../model/build.ts'
import type { AccountId, AppId, BuildId, ReleaseId, SlugId } from '../model/ids.ts'

export type BuildRow = {
  id: BuildId
  app_id: AppId
  account_id: AccountId
  commit_sha: string
  tarball: number
  source_version: string | null
  ref: string | null
  previous_commit: string | null
  /** JSON. */
  buildpacks: string | null
  no_cache: number
  detached: number
  generation: number
  losses: number
  state: BuildState['kind']
  started_at: number | null
  finished_at: number | null
  cancel_requested: number
  failure_code: ErrorCode | null
  failure_reason: string | null
  superseded_by: string | null
  slug_id: SlugId | null
  release_id: ReleaseId | null
  created_at: number
  updated_at: number
}

export function toBuild(row: BuildRow): Build {
  return {
    id: row.id,
    appId: row.app_id,
    accountId: row.account_id,
    commit: row.commit_sha,
    source: row.tarball === 1 ? { version: row.source_version } : null,
    ref: row.ref,
    previousCommit: row.previous_commit,
    buildpacks: row.buildpacks === null ? null : (JSON.parse(row.buildpacks) as string[]),
    noCache: row.no_cache === 1,
    detached: row.detached === 1,
    generation: row.generation,
    losses: row.losses,
    state: toState(row),
    slugId: row.slug_id,
    releaseId: row.release_id,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}

function toState(row: BuildRow): BuildState {
  const finishedAt = new Date(row.finished_at ?? row.updated_at)
  switch (row.state) {
    case 'pending':
      return { kind: 'pending' }
    case 'running':
      return {
        kind: 'running',
        startedAt: new Date(row.started_at ?? row.updated_at),
        cancelRequested: row.cancel_requested === 1,
      }
    case 'failed':
      return { kind: 'failed', finishedAt, code: row.failure_code ?? 'internal', reason: row.failure_reason ?? '' }
    case 'superseded':
      return { kind: 'superseded', finishedAt, by: row.superseded_by ?? '' }
    case 'succeeded':
    case 'cancelled':
      return { kind: row.state, finishedAt }
  }
}
