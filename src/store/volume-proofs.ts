import { newId, type VolumeCopyId, type VolumeId, type VolumeProofId } from '../model/ids.ts'
import type { VolumeProof, VolumeProofState } from '../model/volume-copy.ts'
import type { Database } from './database.ts'
import type { VolumeProofRecords } from './volume-records.ts'

type Row = {
  id: VolumeProofId
  volume_id: VolumeId
  state: VolumeProofState['kind']
  copy_id: VolumeCopyId | null
  reason: string | null
  created_at: number
  ended_at: number | null
}

/** Proofs of each volume that are remembered. */
const most = 100

export function openVolumeProofRecords(db: Database): VolumeProofRecords {
  const listOf = (where: string, values: Record<string, string>): VolumeProof[] =>
    db.all<Row>(`SELECT * FROM volume_proofs ${where}`, values).map(toProof)
  return {
    ask: (volumeId) =>
      db.transaction(() => {
        const [asked] = listOf("WHERE volume_id = :volumeId AND state = 'asked'", { volumeId })
        if (asked) return asked
        db.run(
          `DELETE FROM volume_proofs WHERE id IN (
             SELECT id FROM volume_proofs WHERE volume_id = :volumeId ORDER BY created_at DESC LIMIT -1 OFFSET ${most - 1})`,
          { volumeId },
        )
        const row = db.change<Row>(
          `INSERT INTO volume_proofs (id, volume_id, state, created_at) VALUES (:id, :volumeId, 'asked', :now) RETURNING *`,
          { id: newId<VolumeProofId>(), volumeId, now: Date.now() },
        )
        return toProof(row!)
      }),
    find: (id) => listOf('WHERE id = :id', { id })[0],
    setState: (id, state) => {
      const isOver = state.kind !== 'asked' && state.kind !== 'running'
      db.run(
        'UPDATE volume_proofs SET state = :state, copy_id = :copyId, reason = :reason, ended_at = :endedAt WHERE id = :id',
        {
          id,
          state: state.kind,
          copyId: isOver ? state.copyId : null,
          reason: 'reason' in state ? state.reason : null,
          endedAt: isOver ? Date.now() : null,
        },
      )
    },
    list: (volumeId) => listOf('WHERE volume_id = :volumeId ORDER BY created_at DESC, rowid DESC', { volumeId }),
    listOpen: () => listOf("WHERE state IN ('asked', 'running') ORDER BY created_at, rowid", {}),
    warnedAt: (volumeId) => {
      const row = db.get<{ warned_at: number | null }>('SELECT warned_at FROM volumes WHERE id = :volumeId', {
        volumeId,
      })
      return row?.warned_at == null ? null : new Date(row.warned_at)
    },
    recordWarning: (volumeId) => {
      db.run('UPDATE volumes SET warned_at = :now WHERE id = :volumeId', { volumeId, now: Date.now() })
    },
  }
}

function toProof(row: Row): VolumeProof {
  return {
    id: row.id,
    volumeId: row.volume_id,
    state: stateOf(row),
    createdAt: new Date(row.created_at),
    endedAt: row.ended_at === null ? null : new Date(row.ended_at),
  }
}

function stateOf({ state, copy_id: copyId, reason }: Row): VolumeProofState {
  switch (state) {
    case 'asked':
    case 'running':
      return { kind: state }
    case 'succeeded':
      return { kind: state, copyId: copyId! }
    case 'failed':
    case 'unproven':
      return { kind: state, copyId, reason: reason ?? '' }
  }
}
