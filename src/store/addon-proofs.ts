import type { AddonProof, AddonProofState } from '../model/addon-backup.ts'
import { newId, type AddonId, type AddonProofId } from '../model/ids.ts'
import type { AddonProofRecords } from './addon-backup-records.ts'
import type { Database } from './database.ts'

type ProofRow = {
  id: AddonProofId
  addon_id: AddonId
  state: AddonProofState['kind']
  label: string | null
  compared: number | null
  reason: string | null
  created_at: number
  ended_at: number | null
}

/** Proofs of each add-on that are remembered. */
const most = 100

export function openAddonProofRecords(db: Database): AddonProofRecords {
  const listOf = (where: string, values: Record<string, string>): AddonProof[] =>
    db.all<ProofRow>(`SELECT * FROM addon_proofs ${where}`, values).map(toProof)
  return {
    ask: (addonId) =>
      db.transaction(() => {
        const [asked] = listOf("WHERE addon_id = :addonId AND state = 'asked'", { addonId })
        if (asked) return asked
        db.run(
          `DELETE FROM addon_proofs WHERE id IN (
             SELECT id FROM addon_proofs WHERE addon_id = :addonId ORDER BY created_at DESC LIMIT -1 OFFSET ${most - 1})`,
          { addonId },
        )
        const row = db.change<ProofRow>(
          `INSERT INTO addon_proofs (id, addon_id, state, created_at) VALUES (:id, :addonId, 'asked', :now) RETURNING *`,
          { id: newId<AddonProofId>(), addonId, now: Date.now() },
        )
        return toProof(row!)
      }),
    find: (id) => listOf('WHERE id = :id', { id })[0],
    setState: (id, state) => {
      const isOver = state.kind !== 'asked' && state.kind !== 'running'
      db.run(
        `UPDATE addon_proofs SET state = :state, label = :label, compared = :compared, reason = :reason, ended_at = :endedAt
         WHERE id = :id`,
        {
          id,
          state: state.kind,
          label: isOver ? state.label : null,
          compared: state.kind === 'succeeded' ? Number(state.compared) : null,
          reason: 'reason' in state ? state.reason : null,
          endedAt: isOver ? Date.now() : null,
        },
      )
    },
    list: (addonId) => listOf('WHERE addon_id = :addonId ORDER BY created_at DESC, rowid DESC', { addonId }),
    listOpen: () => listOf("WHERE state IN ('asked', 'running') ORDER BY created_at, rowid", {}),
  }
}

function toProof(row: ProofRow): AddonProof {
  return {
    id: row.id,
    addonId: row.addon_id,
    state: stateOf(row),
    createdAt: new Date(row.created_at),
    endedAt: row.ended_at === null ? null : new Date(row.ended_at),
  }
}

function stateOf({ state, label, compared, reason }: ProofRow): AddonProofState {
  switch (state) {
    case 'asked':
    case 'running':
      return { kind: state }
    case 'succeeded':
      // Before there was a column for it, each was compared where that could be done.
      return { kind: state, label: label ?? '', compared: compared !== 0 }
    case 'failed':
    case 'unproven':
      return { kind: state, label, reason: reason ?? '' }
  }
}
