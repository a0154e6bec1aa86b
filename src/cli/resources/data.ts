import type { ToldFilling } from '../../model/volume-copy.ts'

/** Add-ons and volumes with their copies: the fields that are read. */

export type VolumeJson = {
  id: string
  name: string
  app: { name: string }
  mount: string
  types: string[]
  single_writer: boolean
  /** It is full. */
  read_only: boolean
  /** null before it was measured, and where the server cannot. */
  used_bytes: number | null
  limit_bytes: number
  measured_at: string | null
  /** The copy that what is in it came with. */
  filled_from: ToldFilling | null
  created_at: string
  /** The one that a change of it made. */
  release: { version: number } | null
}

export type VolumeCopyJson = {
  id: string
  kind: 'backup' | 'restore' | 'fork' | 'upload'
  trigger: 'asked' | 'daily'
  status: 'pending' | 'running' | 'succeeded' | 'failed'
  reason: string | null
  volume: { id: string; name: string }
  into: { name: string; switch: boolean } | null
  bytes: number | null
  files: number | null
  /** Nothing wrote to it meanwhile. */
  still: boolean | null
  /** Backups are somewhere else than in the server's data directory. */
  survives_disk: boolean
  proven_at: string | null
  created_at: string
  ended_at: string | null
}

export type ExposureJson = {
  name: string
  exposed: { host: string; port: number; networks: string[]; url: string } | null
}

export type NamedJson = { id: string; name: string }

export type AddonJson = NamedJson & {
  addon_service: NamedJson
  app: NamedJson
  plan: NamedJson
  config_vars: string[]
  /** The name by which apps reach it. */
  provider_id: string
  state: string
  provision_message?: string
}

export type AddonAttachmentJson = NamedJson & { addon: NamedJson & { app: NamedJson }; app: NamedJson }

/** Not in Heroku's API. */
export type AddonBackupsJson = {
  addon: { id: string; name: string }
  app: { id: string; name: string }
  kind: string
  schedule: string | null
  window: { from: string; to: string } | null
  recovery_point_seconds: number | null
  bytes: number
  where: string | null
  /** It can be restored here. */
  provable: boolean
  last_good: { started_at: string } | null
  last_proven: { at: string; compared: boolean } | null
  last_disproven: { backup: string | null; reason: string } | null
  problem: string | null
  backups: {
    name: string | null
    kind: string
    status: string
    started_at: string
    bytes: number | null
    reason: string | null
  }[]
}

/** Of a volume, with fields as those of add-ons have. */
export type VolumeBackupsJson = Pick<
  AddonBackupsJson,
  | 'app'
  | 'kind'
  | 'schedule'
  | 'recovery_point_seconds'
  | 'bytes'
  | 'where'
  | 'last_good'
  | 'last_proven'
  | 'last_disproven'
  | 'problem'
> & { volume: { id: string; name: string } }

export type AddonProofJson = { id: string; status: string; compared: boolean | null; reason: string | null }

export type AddonInfoJson = { name: string; info: { name: string; values: string[] }[] }
