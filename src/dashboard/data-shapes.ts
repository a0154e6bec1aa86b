import type { ToldFilling } from '../model/volume-copy.ts'

/** What the API answers of add-ons and volumes, as far as pages use it. */

export type ShownAddon = {
  id: string
  name: string
  app: { id: string; name: string }
  addon_service: { name: string }
  plan: { name: string }
  state: string
  config_vars: string[]
  created_at: string
  /** As a restore is asked for; the name is null where that add-on is gone. */
  forked_from: { addon: { id: string; name: string | null }; at: string | null; before_xid: string | null } | null
  provision_message?: string
}

type ShownBackup = {
  name: string | null
  kind: string
  status: string
  started_at: string
  bytes: number | null
  reason: string | null
}

/** As `paas backups` reads it. */
export type ShownBackups = {
  addon: { id: string; name: string }
  kind: string
  schedule: string | null
  /** Any moment of it can be restored. */
  window: { from: string; to: string } | null
  recovery_point_seconds: number | null
  bytes: number
  where: string | null
  /** It can be restored here. */
  provable: boolean
  last_good: { started_at: string } | null
  last_failed: { started_at: string; reason: string | null } | null
  /** `compared`: with what was noted when the backup was made; else it was restored alone. */
  last_proven: { at: string; compared: boolean } | null
  last_disproven: { at: string; backup: string | null; reason: string } | null
  problem: string | null
  backups: ShownBackup[]
}

export type ShownAttachment = { id: string; name: string; addon: { id: string; name: string } }

export type ShownVolume = {
  name: string
  mount: string
  types: string[]
  single_writer: boolean
  read_only: boolean
  used_bytes: number | null
  limit_bytes: number
  measured_at: string | null
  created_at: string
  /** The copy that what is in it came with. */
  filled_from: ToldFilling | null
}

export type ShownCopy = {
  id: string
  kind: 'backup' | 'restore' | 'fork' | 'upload'
  status: 'pending' | 'running' | 'succeeded' | 'failed'
  trigger: 'asked' | 'daily'
  volume: { name: string }
  into: { name: string; switch: boolean } | null
  files: number | null
  bytes: number | null
  still: boolean | null
  reason: string | null
  proven_at: string | null
  survives_disk: boolean
  created_at: string
}
