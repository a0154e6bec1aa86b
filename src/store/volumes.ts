import { PaasError } from '../errors.ts'
import { newId, type AppId, type ReleaseId, type VolumeId } from '../model/ids.ts'
import type { Fill, AppVolume } from '../model/volume.ts'
import type { Database } from './database.ts'
import type { VolumeRecords } from './volume-records.ts'

type Row = {
  id: VolumeId
  app_id: AppId
  data: VolumeId | null
  name: string
  mount: string
  types: string
  single_writer: number
  made: number
  leaving: number
  left_by: ReleaseId | null
  switched_with: VolumeId | null
  fill: Fill
  bytes: number | null
  measured_at: number | null
  created_at: number
  updated_at: number
}

export function openVolumeRecords(db: Database): VolumeRecords {
  const set = (change: string, values: { id: VolumeId } & Record<string, string | number>): void => {
    db.run(`UPDATE volumes SET ${change}, updated_at = :now WHERE id = :id`, { ...values, now: Date.now() })
  }
  return {
    create: (volume) => db.transaction(() => create(db, volume)),
    list: (appId) => list(db, appId),
    listAll: () => db.all<Row>('SELECT * FROM volumes ORDER BY rowid').map(toVolume),
    recordMade: (id) => set('made = 1', { id }),
    recordBytes: (id, { bytes, fill }) => {
      db.run('UPDATE volumes SET bytes = :bytes, fill = :fill, measured_at = :now WHERE id = :id', {
        id,
        bytes,
        fill,
        now: Date.now(),
      })
    },
    leave: (id, releaseId) => set('leaving = 1, left_by = :releaseId', { id, releaseId }),
    stay: (releaseId) =>
      void db.run(
        `UPDATE volumes SET leaving = 0, left_by = NULL, updated_at = :now WHERE left_by = :releaseId AND NOT EXISTS (
           SELECT 1 FROM volumes other WHERE other.app_id = volumes.app_id AND other.name = volumes.name AND other.leaving = 0)`,
        { releaseId, now: Date.now() },
      ),
    addFilled: (volume, data) => db.transaction(() => addFilled(db, volume, data)),
    switchData: (one, other, releaseId) => {
      exchange(db, one, other)
      const switched = { releaseId, now: Date.now() }
      db.run('UPDATE volumes SET switched_by = :releaseId, switched_with = :with, updated_at = :now WHERE id = :id', {
        ...switched,
        id: one.id,
        with: other.id,
      })
    },
    switchBack: (releaseId) => switchBack(db, releaseId),
    remove: (id) => void db.run('DELETE FROM volumes WHERE id = :id', { id }),
  }
}

function list(db: Database, appId: AppId): AppVolume[] {
  return db
    .all<Row>('SELECT * FROM volumes WHERE app_id = :appId AND leaving = 0 ORDER BY rowid', { appId })
    .map(toVolume)
}

function create(db: Database, volume: Parameters<VolumeRecords['create']>[0]): AppVolume {
  const { appId, name, mount, types, singleWriter } = volume
  const isTaken = list(db, appId).some((other) => other.name === name)
  if (isTaken) throw new PaasError('name_taken', `The app has a volume ${name} already.`)
  const id = newId<VolumeId>()
  const row = { id, appId, name, mount, types: JSON.stringify(types), singleWriter: Number(singleWriter) }
  db.run(
    `INSERT INTO volumes (id, app_id, name, mount, types, single_writer, created_at, updated_at)
     VALUES (:id, :appId, :name, :mount, :types, :singleWriter, :now, :now)`,
    { ...row, now: Date.now() },
  )
  return toVolume(db.get<Row>('SELECT * FROM volumes WHERE id = :id', { id })!)
}

/** One whose data the engine has already. */
function addFilled(db: Database, volume: Parameters<VolumeRecords['create']>[0], data: VolumeId): AppVolume {
  const { id } = create(db, volume)
  db.run('UPDATE volumes SET data = :data, made = 1 WHERE id = :id', { id, data })
  return toVolume(db.get<Row>('SELECT * FROM volumes WHERE id = :id', { id })!)
}

/** All that is said of the data goes with it. */
function exchange(db: Database, ...[one, other]: [AppVolume, AppVolume]): void {
  const give = ({ id }: AppVolume, { data, made, fill, bytes, measuredAt }: AppVolume): void => {
    const about = { data, made: Number(made), fill, bytes, measuredAt: measuredAt && measuredAt.getTime() }
    db.run(
      `UPDATE volumes SET data = :data, made = :made, fill = :fill, bytes = :bytes, measured_at = :measuredAt,
         switched_by = NULL, switched_with = NULL, updated_at = :now WHERE id = :id`,
      { id, ...about, now: Date.now() },
    )
  }
  give(one, other)
  give(other, one)
}

function switchBack(db: Database, releaseId: ReleaseId): void {
  const find = (id: VolumeId | null): AppVolume | undefined => {
    const row = db.get<Row>('SELECT * FROM volumes WHERE id = :id AND leaving = 0', { id })
    return row && toVolume(row)
  }
  const switched = db.all<Row>('SELECT * FROM volumes WHERE switched_by = :releaseId', { releaseId })
  for (const row of switched) {
    const [one, other] = [find(row.id), find(row.switched_with)]
    if (one && other) exchange(db, one, other)
  }
}

function toVolume(row: Row): AppVolume {
  return {
    id: row.id,
    appId: row.app_id,
    data: row.data ?? row.id,
    name: row.name,
    mount: row.mount,
    types: JSON.parse(row.types) as string[],
    singleWriter: row.single_writer === 1,
    made: row.made === 1,
    leaving: row.leaving === 1,
    leftBy: row.left_by,
    fill: row.fill,
    bytes: row.bytes,
    measuredAt: row.measured_at === null ? null : new Date(row.measured_at),
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}
