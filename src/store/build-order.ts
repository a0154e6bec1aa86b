import type { BuildId } from '../model/ids.ts'
import type { Database } from './database.ts'

export const unfinished = `state IN ('pending', 'running')`

/** Once it is current, a build's release stays what it is, and only the verdict is missing. */
const hasServed = `EXISTS (SELECT 1 FROM releases WHERE releases.id = builds.release_id AND releases.state = 'succeeded')`

/**
 * A newer build of the app begins only when the older one has been given up, whatever the database
 * says of that one.
 */
const newerBegun = `FROM builds newer
  WHERE newer.app_id = builds.app_id AND newer.sequence > builds.sequence AND newer.generation > 0`

const isOvertaken = `(EXISTS (SELECT 1 ${newerBegun}) AND NOT ${hasServed})`

/**
 * The condition of every write of a build's holder: release order is push order, so it must not
 * come after a newer one.
 */
export const isHeld = `id = :id AND generation = :generation AND state = 'running' AND NOT ${isOvertaken}`

/**
 * Ends a build that its holder left without a verdict, if a newer one has begun since. Its release,
 * if it has one, never serves.
 */
export function supersedeOvertaken(db: Database, id: BuildId): void {
  const now = Date.now()
  const build = db.change<{ release_id: string | null; superseded_by: string }>(
    `UPDATE builds SET state = 'superseded', finished_at = :now, updated_at = :now, superseded_by = (
       SELECT CASE newer.tarball WHEN 1 THEN coalesce(newer.source_version, newer.id) ELSE newer.commit_sha END
       ${newerBegun} ORDER BY newer.sequence DESC LIMIT 1)
     WHERE id = :id AND ${unfinished} AND ${isOvertaken} RETURNING release_id, superseded_by`,
    { id, now },
  )
  if (!build?.release_id) return
  db.run(
    `UPDATE releases SET state = 'failed', failure_reason = :reason, updated_at = :now WHERE id = :id AND state = 'pending'`,
    { id: build.release_id, reason: `superseded by ${build.superseded_by.slice(0, 7)}`, now },
  )
}

export function hasNewerServing(db: Database, id: BuildId): boolean {
  const row = db.get(
    `SELECT 1 FROM builds JOIN builds own ON own.id = :id
     WHERE builds.app_id = own.app_id AND builds.ref = own.ref AND builds.sequence > own.sequence AND ${hasServed}`,
    { id },
  )
  return row !== undefined
}
