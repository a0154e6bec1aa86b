import type { DataTransfer } from '../../model/data-transfer.ts'
import { uuidOf } from '../http/shapes.ts'

/** As Heroku's commands read it: where a dump comes from and goes to tells what it is. */
export function transferJson(transfer: DataTransfer, { verbose = false } = {}): object {
  const { id, number, kind, scheduled, from, to, state, bytes, warnings, log } = transfer
  return {
    uuid: id,
    num: number,
    from_name: from.name,
    from_type: kind === 'restore' ? 'gof3r' : 'pg_dump',
    from_url: null,
    to_name: to.name,
    to_type: kind === 'backup' ? 'gof3r' : 'pg_restore',
    to_url: kind === 'backup' ? backupUrl(transfer) : null,
    options: {},
    source_bytes: null,
    processed_bytes: bytes,
    warnings,
    succeeded: state.kind === 'succeeded',
    schedule: scheduled ? { uuid: uuidOf(`schedule ${from.addonId}`) } : null,
    created_at: stamp(transfer.createdAt),
    updated_at: stamp(transfer.updatedAt),
    started_at: 'startedAt' in state && state.startedAt ? stamp(state.startedAt) : null,
    finished_at: 'endedAt' in state ? stamp(state.endedAt) : null,
    canceled_at: state.kind === 'cancelled' ? stamp(state.endedAt) : null,
    ...(verbose && { logs: log.map(({ at, message }) => ({ created_at: stamp(at), message })) }),
  }
}

const scheme = 'paas-backup:'

/** What names a backup where Heroku has the URL of one: it opens nothing by itself. */
function backupUrl({ id }: DataTransfer): string {
  return `${scheme}${id}`
}

export function backupIn(url: string): DataTransfer['id'] | undefined {
  return url.startsWith(scheme) ? (url.slice(scheme.length) as DataTransfer['id']) : undefined
}

/** `2026-11-27 14:03:07 +0000`, as people read it in Heroku's command, which sorts by it too. */
function stamp(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} +0000`
}
