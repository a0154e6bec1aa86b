import { newId, type AppId, type VolumeCopyId, type VolumeId } from '../model/ids.ts'
import type { VolumeCopy, VolumeCopyState } from '../model/volume-copy.ts'
import type { Database } from './database.ts'
import type { VolumeCopyRecords } from './volume-records.ts'

type Row = {
  id: VolumeCopyId
  app_id: AppId
  volume_id: VolumeId
  volume: string
  kind: VolumeCopy['kind']
  cause: VolumeCopy['trigger']
  source: VolumeCopyId | null
  into_name: string | null
  into_data: VolumeId | null
  switches: number
  state: VolumeCopyState['kind']
  reason: string | null
  snapshot: string | null
  still: number
  checksum: string | null
  files: number
  bytes: number
  proven_at: number | null
  created_at: number
  ended_at: number | null
}

export function openVolumeCopyRecords(db: Database): VolumeCopyRecords {
  const find = (id: VolumeCopyId): VolumeCopy | undefined => {
    const row = db.get<Row>('SELECT * FROM volume_copies WHERE id = :id', { id })
    return row && toCopy(row)
  }
  return {
    create(copy) {
      const id = newId<VolumeCopyId>()
      create(db, id, copy)
      return find(id)!
    },
    find,
    list({ appId, kind } = {}) {
      const rows = db.all<Row>('SELECT * FROM volume_copies ORDER BY created_at DESC, rowid DESC')
      return rows.map(toCopy).filter((one) => (!appId || one.appId === appId) && (!kind || one.kind === kind))
    },
    begin: (id) =>
      db.run("UPDATE volume_copies SET state = 'running' WHERE id = :id AND state = 'pending'", { id }) === 1,
    setState: (id, state) => setState(db, id, state),
    recordProof: (id) =>
      void db.run('UPDATE volume_copies SET proven_at = :now WHERE id = :id', { id, now: Date.now() }),
    remove: (id) => void db.run('DELETE FROM volume_copies WHERE id = :id', { id }),
  }
}

function create(db: Database, id: VolumeCopyId, copy: Parameters<VolumeCopyRecords['create']>[0]): void {
  const { appId, volumeId, volume, kind, trigger, from, into } = copy
  db.run(
    `INSERT INTO volume_copies (id, app_id, volume_id, volume, kind, cause, source, into_name, into_data, switches, created_at)
     VALUES (:id, :appId, :volumeId, :volume, :kind, :trigger, :from, :name, :data, :switches, :now)`,
    {
      id,
      appId,
      volumeId,
      volume,
      kind,
      trigger,
      from,
      name: into?.name ?? null,
      data: into?.data ?? null,
      switches: Number(into?.switch ?? false),
      now: Date.now(),
    },
  )
}

function setState(db: Database, id: VolumeCopyId, state: VolumeCopyState): void {
  const done =
    state.kind === 'succeeded' ? state : { snapshot: null, isStill: false, checksum: null, files: 0, bytes: 0 }
  const { snapshot, checksum, files, bytes } = done
  db.run(
    `UPDATE volume_copies SET state = :kind, reason = :reason, snapshot = :snapshot, still = :still, checksum = :checksum,
       files = :files, bytes = :bytes, ended_at = :endedAt WHERE id = :id`,
    {
      id,
      kind: state.kind,
      snapshot,
      checksum,
      files,
      bytes,
      still: Number(done.isStill),
      reason: state.kind === 'failed' ? state.reason : null,
      endedAt: 'endedAt' in state ? state.endedAt.getTime() : null,
    },
  )
}

function toCopy(row: Row): VolumeCopy {
  const { into_name: name, into_data: data } = row
  return {
    id: row.id,
    appId: row.app_id,
    volumeId: row.volume_id,
    volume: row.volume,
    kind: row.kind,
    trigger: row.cause,
    from: row.source,
    into: name === null || data === null ? null : { name, data, switch: row.switches === 1 },
    state: stateOf(row),
    provenAt: row.proven_at === null ? null : new Date(row.proven_at),
    createdAt: new Date(row.created_at),
  }
}

function stateOf({ state: kind, reason, snapshot, still, checksum, files, bytes, ended_at }: Row): VolumeCopyState {
  const endedAt = new Date(ended_at ?? 0)
  switch (kind) {
    case 'succeeded':
      return { kind, endedAt, snapshot, isStill: still === 1, checksum: checksum ?? '', files, bytes }
    case 'failed':
      return { kind, endedAt, reason: reason ?? '' }
    case 'pending':
    case 'running':
      return { kind }
  }
}
