import { setTimeout as delay } from 'node:timers/promises'
import { PaasError } from '../errors.ts'
import type { Client } from './client.ts'
import type { AddonJson } from './resources/data.ts'

/** A backup (to `gof3r`), a restore (from there) or a copy, as Heroku's data API has them. */
export type DataTransferJson = {
  uuid: string
  num: number
  from_name: string
  from_type: string
  to_name: string
  to_type: string
  to_url: string | null
  processed_bytes: number
  warnings: number
  succeeded: boolean
  schedule: { uuid: string } | null
  created_at: string
  started_at: string | null
  finished_at: string | null
  canceled_at: string | null
  logs?: { created_at: string; message: string }[]
}

export type BackupScheduleJson = { uuid: string; addon_id: string; name: string; hour: number; timezone: string }

export function databasePath({ id }: Pick<AddonJson, 'id'>): string {
  return `/client/v11/databases/${encodeURIComponent(id)}`
}

/** `b001`, as Heroku's command names them. */
export function transferNameOf({ from_type: from, to_type: to, schedule, num }: DataTransferJson): string {
  const letter = to === 'gof3r' ? (schedule ? 'a' : 'b') : from === 'pg_dump' ? 'c' : 'r'
  return letter + String(num).padStart(3, '0')
}

export function transferStatus(transfer: DataTransferJson): string {
  if (transfer.canceled_at) return `Cancelled ${transfer.canceled_at}`
  if (transfer.succeeded && transfer.warnings > 0) return `Finished with ${transfer.warnings} warnings`
  if (transfer.finished_at) return `${transfer.succeeded ? 'Completed' : 'Failed'} ${transfer.finished_at}`
  return transfer.started_at ? 'Running' : 'Pending'
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function sizeOf({ processed_bytes: bytes }: DataTransferJson): string {
  const step = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`
}

/** `b001`, whatever letter. @throws not_found, usage */
export async function transferCalled(api: Client, path: string, name: string): Promise<DataTransferJson> {
  const [, number] = /^[abcr](\d{1,9})$/.exec(name) ?? []
  if (number !== undefined) return api.get<DataTransferJson>(`${path}/${Number(number)}`)
  throw new PaasError('usage', `"${name}" is no name of a backup; they look like b001.`)
}

/** One that is complete. @throws backup_missing, invalid_params */
export async function backupCalled(api: Client, path: string, name: string | undefined): Promise<DataTransferJson> {
  if (name === undefined) return lastBackup(api, path, { complete: true })
  const found = await transferCalled(api, path, name)
  if (found.to_type === 'gof3r' && found.succeeded) return found
  throw new PaasError('invalid_params', `${name} is no backup that is complete.`)
}

/** @throws backup_missing */
export async function lastBackup(api: Client, path: string, { complete = false } = {}): Promise<DataTransferJson> {
  const all = await api.get<DataTransferJson[]>(path)
  const found = all.find((one) => one.to_type === 'gof3r' && (one.succeeded || !complete))
  if (found) return found
  throw new PaasError('backup_missing', 'There are no backups yet.', { hint: 'Make one: paas pg:backups:capture' })
}

/** @throws dump_failed with what its log ends with */
export async function untilOver(api: Client, path: string, { uuid }: DataTransferJson): Promise<DataTransferJson> {
  for (;;) {
    const now = await api.get<DataTransferJson>(`${path}/${uuid}?verbose=true`)
    if (now.succeeded) return now
    if (now.canceled_at) throw new PaasError('dump_failed', `${transferNameOf(now)} was cancelled.`)
    if (now.finished_at)
      throw new PaasError('dump_failed', now.logs?.at(-1)?.message ?? `${transferNameOf(now)} failed.`)
    await delay(500)
  }
}
