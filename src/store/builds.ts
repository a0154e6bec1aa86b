import { PaasError } from '../errors.ts'
import type { Build, BuildState } from '../model/build.ts'
import type { BuildReport } from '../model/build-report.ts'
import { newId, type AppId, type BuildId, type ReleaseId } from '../model/ids.ts'
import type { Slug } from '../model/slug.ts'
import { noteBuildTaken } from './account-usage.ts'
import { hasNewerServing, isHeld, supersedeOvertaken, unfinished } from './build-order.ts'
import { findBuildSource, insertBuildSource } from './build-sources.ts'
import { toBuild, type BuildRow } from './build-row.ts'
import type { Cipher } from '../cipher.ts'
import type { Database } from './database.ts'
import { insertSlug } from './slugs.ts'
import type { BuildRecords } from './store.ts'

export function openBuildRecords(db: Database, cipher: Cipher): BuildRecords {
  return {
    create: (build) => create(db, cipher, build),
    source: (id) => findBuildSource(db, cipher, id),
    find: (id) => find(db, id),
    list: (appId) => many(db, 'SELECT * FROM builds WHERE app_id = :appId ORDER BY sequence DESC', { appId }),
    newest: (appId) =>
      many(db, 'SELECT * FROM builds WHERE app_id = :appId ORDER BY sequence DESC LIMIT 1', { appId })[0],
    listUnfinished: (appId) =>
      many(db, `SELECT * FROM builds WHERE ${unfinished} AND (:appId IS NULL OR app_id = :appId) ORDER BY sequence`, {
        appId: appId ?? null,
      }),
    countStates: () => countStates(db),
    claim: (id) => claim(db, id),
    giveBack: (id, generation) => giveBack(db, id, generation),
    noteLosses: () => noteLosses(db),
    recordCommit: (id, generation, commit) => recordCommit(db, { id, generation, commit }),
    recordSlug: (id, generation, slug) => recordSlug(db, id, generation, slug),
    recordRelease: (id, generation, releaseId) => recordRelease(db, id, generation, releaseId),
    finish: (id, generation, state, report) => finish(db, { id, generation }, state, report),
    report: (id) => findReport(db, id),
    hasNewerServing: (id) => hasNewerServing(db, id),
    requestCancel: (id) => requestCancel(db, id),
  }
}

function create(
  db: Database,
  cipher: Cipher,
  build: Parameters<BuildRecords['create']>[0],
): ReturnType<BuildRecords['create']> {
  return db.transaction(() => {
    const id = newId<BuildId>()
    const version = build.tarball?.version ?? null
    const superseded = supersedePending(db, build.appId, build.tarball ? (version ?? id) : build.commit)
    const row = db.change<BuildRow>(
      `INSERT INTO builds (id, app_id, account_id, commit_sha, tarball, source_version, ref, previous_commit, buildpacks, no_cache, detached,
         created_at, updated_at)
       VALUES (:id, :appId, :accountId, :commit, :tarball, :version, :ref, :previousCommit, :buildpacks, :noCache, :detached, :now, :now)
       RETURNING *`,
      {
        id,
        appId: build.appId,
        accountId: build.accountId,
        commit: build.commit,
        tarball: build.tarball ? 1 : 0,
        version,
        ref: build.ref,
        previousCommit: build.previousCommit,
        buildpacks: build.buildpacks ? JSON.stringify(build.buildpacks) : null,
        noCache: build.noCache ? 1 : 0,
        detached: build.detached ? 1 : 0,
        now: Date.now(),
      },
    )
    if (!row) throw new PaasError('internal', `No build was made for app ${build.appId}.`)
    noteBuildTaken(db, build.appId)
    if (build.tarball) insertBuildSource(db, cipher, { id, source: build.tarball })
    return { build: toBuild(row), superseded }
  })
}

function supersedePending(db: Database, appId: AppId, by: string): Build[] {
  return many(
    db,
    `UPDATE builds SET state = 'superseded', superseded_by = :by, finished_at = :now, updated_at = :now
     WHERE app_id = :appId AND state = 'pending' RETURNING *`,
    { appId, by, now: Date.now() },
  )
}

function find(db: Database, id: BuildId): Build | undefined {
  const row = db.get<BuildRow>('SELECT * FROM builds WHERE id = :id', { id })
  return row && toBuild(row)
}

function claim(db: Database, id: BuildId): Build | undefined {
  return db.transaction(() => {
    supersedeOvertaken(db, id)
    const row = db.change<BuildRow>(
      `UPDATE builds SET state = 'running', generation = generation + 1, held = 1,
         started_at = coalesce(started_at, :now), updated_at = :now
       WHERE id = :id AND ${unfinished} RETURNING *`,
      { id, now: Date.now() },
    )
    return row && toBuild(row)
  })
}

function giveBack(db: Database, id: BuildId, generation: number): void {
  db.run('UPDATE builds SET held = 0 WHERE id = :id AND generation = :generation', { id, generation })
}

function noteLosses(db: Database): void {
  db.run(`UPDATE builds SET held = 0, losses = losses + 1 WHERE ${unfinished} AND held = 1`, {})
}

function recordCommit(
  db: Database,
  { id, generation, commit }: { id: BuildId; generation: number; commit: string },
): boolean {
  const held = db.run(
    `UPDATE builds SET commit_sha = :commit, updated_at = :now
     WHERE ${isHeld}`,
    { id, generation, commit, now: Date.now() },
  )
  return held > 0
}

function recordSlug(db: Database, id: BuildId, generation: number, slug: Slug): boolean {
  return db.transaction(() => {
    const held = db.run(
      `UPDATE builds SET slug_id = :slugId, updated_at = :now
       WHERE ${isHeld}`,
      { id, generation, slugId: slug.id, now: Date.now() },
    )
    if (held > 0) insertSlug(db, slug)
    return held > 0
  })
}

function recordRelease(db: Database, id: BuildId, generation: number, releaseId: ReleaseId): boolean {
  const held = db.run(
    `UPDATE builds SET release_id = :releaseId, updated_at = :now
     WHERE ${isHeld}`,
    { id, generation, releaseId, now: Date.now() },
  )
  return held > 0
}

type FinalState = Exclude<BuildState, { kind: 'pending' } | { kind: 'running' }>

function finish(
  db: Database,
  { id, generation }: { id: BuildId; generation: number },
  state: FinalState,
  report?: BuildReport,
): boolean {
  const held = db.run(
    `UPDATE builds SET state = :kind, finished_at = :finishedAt, failure_code = :code, failure_reason = :reason,
       superseded_by = :by, report = :report, updated_at = :now
     WHERE ${isHeld}`,
    {
      id,
      generation,
      report: report ? JSON.stringify(report) : null,
      kind: state.kind,
      finishedAt: state.finishedAt.getTime(),
      code: state.kind === 'failed' ? state.code : null,
      reason: state.kind === 'failed' ? state.reason : null,
      by: state.kind === 'superseded' ? state.by : null,
      now: Date.now(),
    },
  )
  return held > 0
}

function findReport(db: Database, id: BuildId): BuildReport | undefined {
  const row = db.get<{ report: string | null }>('SELECT report FROM builds WHERE id = :id', { id })
  return row?.report ? (JSON.parse(row.report) as BuildReport) : undefined
}

function requestCancel(db: Database, id: BuildId): Build | undefined {
  return db.transaction(() => {
    const now = Date.now()
    db.run(`UPDATE builds SET cancel_requested = 1, updated_at = :now WHERE id = :id AND state = 'running'`, {
      id,
      now,
    })
    db.run(
      `UPDATE builds SET state = 'cancelled', finished_at = :now, updated_at = :now WHERE id = :id AND state = 'pending'`,
      { id, now },
    )
    return find(db, id)
  })
}

function many(db: Database, sql: string, parameters: Record<string, string | number | null>): Build[] {
  return db.all<BuildRow>(sql, parameters).map(toBuild)
}

function countStates(db: Database): Partial<Record<BuildState['kind'], number>> {
  const rows = db.all<{ state: BuildState['kind']; n: number }>(
    'SELECT state, count(*) AS n FROM builds GROUP BY state',
  )
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]))
}
