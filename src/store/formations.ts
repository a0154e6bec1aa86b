import { PaasError } from '../errors.ts'
import type { AppManifest } from '../model/app-json.ts'
import { firstQuantity, formationFor, type DynoSize, type Formation, type Share } from '../model/formation.ts'
import { newId, type AppId, type FormationId } from '../model/ids.ts'
import type { Database } from './database.ts'
import type { FormationRecords } from './store.ts'

export type FormationRow = {
  id: FormationId
  app_id: AppId
  type: string
  quantity: number
  size: DynoSize
  created_at: number
  updated_at: number
}

export function openFormationRecords(db: Database): FormationRecords {
  return {
    list: (appId) => list(db, appId),
    sync: (appId, types, asked) => db.transaction(() => sync(db, appId, { types, asked })),
    add: (appId, type) => insert(db, appId, { type, quantity: firstQuantity(type), size: 'basic' }),
    scale: (appId, changes) =>
      db.transaction(() => {
        for (const change of changes) scale(db, appId, change)
        return list(db, appId)
      }),
  }
}

function list(db: Database, appId: AppId): Formation[] {
  return db
    .all<FormationRow>('SELECT * FROM formations WHERE app_id = :appId ORDER BY type', { appId })
    .map(toFormation)
}

type Wanted = { types: string[]; asked: AppManifest['formation'] | undefined }

function sync(db: Database, appId: AppId, { types, asked }: Wanted): Formation[] {
  const present = list(db, appId)
  const next = formationFor(present, types, asked)
  const missing = next.filter(({ type }) => !present.some((formation) => formation.type === type))
  for (const share of missing) insert(db, appId, share)
  for (const { type } of present.filter((formation) => !next.some((share) => share.type === formation.type))) {
    db.run('DELETE FROM formations WHERE app_id = :appId AND type = :type', { appId, type })
  }
  return list(db, appId)
}

function insert(db: Database, appId: AppId, { type, quantity, size }: Share): Formation {
  const row = { id: newId<FormationId>(), appId, type, quantity, size, now: Date.now() }
  db.run(
    `INSERT INTO formations (id, app_id, type, quantity, size, created_at, updated_at)
     VALUES (:id, :appId, :type, :quantity, :size, :now, :now)`,
    row,
  )
  return { id: row.id, appId, type, quantity, size, createdAt: new Date(row.now), updatedAt: new Date(row.now) }
}

function scale(db: Database, appId: AppId, change: { type: string; quantity?: number; size?: DynoSize }): void {
  const { type, quantity = null, size = null } = change
  if (quantity !== null && !(Number.isInteger(quantity) && quantity >= 0 && quantity <= 100)) {
    throw new PaasError('invalid_params', `The quantity of ${type} is ${quantity}; it must be from 0 to 100.`)
  }
  const changed = db.run(
    `UPDATE formations SET quantity = coalesce(:quantity, quantity), size = coalesce(:size, size), updated_at = :now
     WHERE app_id = :appId AND type = :type`,
    { appId, type, quantity, size, now: Date.now() },
  )
  if (changed === 0) {
    const types = list(db, appId).map((formation) => formation.type)
    const hint = types.length > 0 ? `It has: ${types.join(', ')}.` : 'It has none before its first deploy.'
    throw new PaasError('not_found', `The app has no process type ${type}.`, { hint })
  }
}

export function toFormation(row: FormationRow): Formation {
  return {
    id: row.id,
    appId: row.app_id,
    type: row.type,
    quantity: row.quantity,
    size: row.size,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}
