import type { Cipher } from '../cipher.ts'
import { PaasError } from '../errors.ts'
import type { DataTransfer, DataTransferState } from '../model/data-transfer.ts'
import { newId, type AddonId, type AppId, type DataTransferId } from '../model/ids.ts'
import type { Database } from './database.ts'
import type { DataTransferRecords } from './data-transfer-records.ts'

type Row = {
  id: DataTransferId
  app_id: AppId
  number: number
  kind: DataTransfer['kind']
  scheduled: number
  service: string
  from_addon_id: AddonId | null
  from_name: string
  to_addon_id: AddonId | null
  to_name: string
  backup_id: DataTransferId | null
  state: DataTransferState['kind']
  cancelling: number
  reason: string | null
  place: string | null
  sha256: string | null
  bytes: number
  warnings: number
  log: string
  created_at: number
  started_at: number | null
  ended_at: number | null
  updated_at: number
}

const columns = `id, app_id, number, kind, scheduled, service, from_addon_id, from_name, to_addon_id, to_name, backup_id,
  state, cancelling, reason, place, sha256, bytes, warnings, log, created_at, started_at, ended_at, updated_at`
const open = "state IN ('pending', 'running')"
/** Lines that are kept of one. */
const mostLines = 200

export function openDataTransferRecords(db: Database, cipher: Cipher): DataTransferRecords {
  const all = (where: string, values: Record<string, string | number | null> = {}): DataTransfer[] =>
    db.all<Row>(`SELECT ${columns} FROM data_transfers WHERE ${where}`, values).map(toTransfer)
  const nextNumber = (appId: AppId): number =>
    db.change<{ last: number }>(
      `INSERT INTO data_transfer_numbers (app_id, last) VALUES (:appId, 1)
       ON CONFLICT (app_id) DO UPDATE SET last = last + 1 RETURNING last`,
      { appId },
    )?.last ?? 1
  return {
    create: ({ appId, kind, service, from, to, scheduled = false, backupId = null, source }) =>
      db.transaction(() => {
        const id = newId<DataTransferId>()
        const row = db.change<Row>(
          `INSERT INTO data_transfers (id, app_id, number, kind, scheduled, service, from_addon_id, from_name,
             to_addon_id, to_name, backup_id, source, created_at, updated_at)
           VALUES (:id, :appId, :number, :kind, :scheduled, :service, :fromId, :fromName, :toId, :toName, :backupId,
             :source, :now, :now)
           RETURNING ${columns}`,
          {
            id,
            appId,
            number: nextNumber(appId),
            kind,
            service,
            scheduled: Number(scheduled),
            fromId: from.addonId,
            fromName: from.name,
            toId: to.addonId,
            toName: to.name,
            backupId,
            source: source === undefined ? null : cipher.seal(source, 'data transfer', id),
            now: Date.now(),
          },
        )
        if (!row) throw new PaasError('internal', 'A data transfer was not recorded.')
        return toTransfer(row)
      }),
    find: (id) => all('id = :id', { id })[0],
    findNumbered: (appId, number) => all('app_id = :appId AND number = :number', { appId, number })[0],
    list: ({ appId = null, fromAddonId = null }) =>
      all(
        `(:appId IS NULL OR app_id = :appId) AND (:fromAddonId IS NULL OR from_addon_id = :fromAddonId)
         ORDER BY created_at DESC, number DESC`,
        { appId, fromAddonId },
      ),
    listOpen: () => all(`${open} ORDER BY created_at, number`),
    places: () =>
      db.all<{ place: string }>('SELECT place FROM data_transfers WHERE place IS NOT NULL').map(({ place }) => place),
    sourceOf: (id) => {
      const row = db.get<{ source: Uint8Array | null }>('SELECT source FROM data_transfers WHERE id = :id', { id })
      return row?.source ? cipher.open(row.source, 'data transfer', id) : undefined
    },
    setState: (id, state) =>
      db.change<{ id: string }>(
        `UPDATE data_transfers SET state = :state, cancelling = :cancelling, reason = :reason, place = :place,
           sha256 = :sha256, started_at = :startedAt, ended_at = :endedAt, updated_at = :now
         WHERE id = :id AND ${open} RETURNING id`,
        { id, ...fieldsOf(state), now: Date.now() },
      ) !== undefined,
    setProgress: (id, { bytes = null, warnings = null }) => {
      db.run(
        `UPDATE data_transfers SET bytes = coalesce(:bytes, bytes), warnings = coalesce(:warnings, warnings),
           updated_at = :now WHERE id = :id`,
        { id, bytes, warnings, now: Date.now() },
      )
    },
    addLine: (id, message) =>
      db.transaction(() => {
        const found = all('id = :id', { id })[0]
        const lines = [...(found?.log ?? []), { at: new Date(), message }].slice(-mostLines)
        db.run('UPDATE data_transfers SET log = :log WHERE id = :id', { id, log: JSON.stringify(lines) })
      }),
    noteFacts: (id, facts) => {
      db.run('UPDATE data_transfers SET facts = :facts WHERE id = :id', { id, facts: JSON.stringify(facts) })
    },
    factsOf: (id) => {
      const row = db.get<{ facts: string | null }>('SELECT facts FROM data_transfers WHERE id = :id', { id })
      return row?.facts ? (JSON.parse(row.facts) as string[]) : undefined
    },
    notePosition: (id, position) => {
      db.run('UPDATE data_transfers SET position = :position WHERE id = :id', { id, position })
    },
    noteSame: (id, until) => {
      db.run('UPDATE data_transfers SET same_until = :until WHERE id = :id', { id, until: until.getTime() })
    },
    positionOf: (id) => {
      const row = db.get<{ position: string | null; same_until: number | null }>(
        'SELECT position, same_until FROM data_transfers WHERE id = :id',
        { id },
      )
      if (!row || row.position === null) return undefined
      return { position: row.position, sameUntil: row.same_until === null ? null : new Date(row.same_until) }
    },
    remove: (id) => {
      db.run('DELETE FROM data_transfers WHERE id = :id', { id })
    },
  }
}

function fieldsOf(state: DataTransferState) {
  const stored = state.kind === 'succeeded' ? state.stored : null
  return {
    state: state.kind,
    cancelling: Number(state.kind === 'running' && state.cancelling),
    reason: state.kind === 'failed' ? state.reason : null,
    place: stored?.place ?? null,
    sha256: stored?.sha256 ?? null,
    startedAt: 'startedAt' in state ? (state.startedAt?.getTime() ?? null) : null,
    endedAt: 'endedAt' in state ? state.endedAt.getTime() : null,
  }
}

function toTransfer(row: Row): DataTransfer {
  return {
    id: row.id,
    appId: row.app_id,
    number: row.number,
    kind: row.kind,
    scheduled: row.scheduled === 1,
    service: row.service,
    from: { addonId: row.from_addon_id, name: row.from_name },
    to: { addonId: row.to_addon_id, name: row.to_name },
    backupId: row.backup_id,
    state: stateOf(row),
    bytes: row.bytes,
    warnings: row.warnings,
    log: (JSON.parse(row.log) as { at: string; message: string }[]).map((line) => ({ ...line, at: new Date(line.at) })),
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}

function stateOf({ state: kind, cancelling, reason, place, sha256, ...row }: Row): DataTransferState {
  const startedAt = row.started_at === null ? null : new Date(row.started_at)
  const endedAt = new Date(row.ended_at ?? row.updated_at)
  switch (kind) {
    case 'pending':
      return { kind }
    case 'running':
      return { kind, startedAt: startedAt ?? endedAt, cancelling: cancelling === 1 }
    case 'succeeded':
      return {
        kind,
        startedAt: startedAt ?? endedAt,
        endedAt,
        stored: place !== null && sha256 !== null ? { place, sha256 } : null,
      }
    case 'failed':
      return { kind, startedAt, endedAt, reason: reason ?? '' }
    case 'cancelled':
      return { kind, startedAt, endedAt }
  }
}
