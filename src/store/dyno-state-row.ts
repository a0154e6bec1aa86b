import type { DynoLife, DynoRecord } from '../model/dyno.ts'
import type { AppId } from '../model/ids.ts'

export type DynoStateRow = {
  id: string
  app_id: AppId
  uuid: string | null
  name: string
  type: string
  size: string
  release: number
  attached: number
  state: DynoLife | 'gone'
  since: number
  exit_status: number | null
  error: DynoRecord['error']
  told: DynoLife | null
}

/** One that is gone has stopped. */
export function toRecord(row: DynoStateRow): DynoRecord {
  const { id, app_id: appId, uuid, name, type, size, release, attached, state, since, exit_status, error } = row
  const facts = { id, appId, ...(uuid === null ? {} : { uuid }), name, type, size, release, attached: attached === 1 }
  return {
    ...facts,
    state: state === 'gone' ? 'stopped' : state,
    since: new Date(since),
    exitStatus: exit_status,
    error,
  }
}
