/** The fields of the Platform API's answers that the command reads, in Heroku's shapes. */
export type AppJson = {
  id: string
  name: string
  web_url: string
  git_url: string
  created_at: string
  released_at: string | null
  maintenance: boolean
  owner: { email: string }
  /** Of the next build. */
  build_stack: { name: string }
  stack: { name: string }
  slug_size: number | null
}

/** `admin` is ours. */
export type AccountJson = {
  id: string
  email: string
  name: string | null
  admin: boolean
  suspended_at: string | null
}

export type DynoJson = {
  name: string
  type: string
  command: string
  size: string
  state: string
  updated_at: string
  release: { version: number }
  /** These are ours. */
  exit_status: number | null
  next_start_at: string | null
  reason: { id: string; message: string } | null
  restarts: number
}

export type FormationJson = { type: string; quantity: number; size: string; command: string }

export type ReleaseJson = {
  id: string
  version: number
  status: 'pending' | 'succeeded' | 'failed'
  /** Ours. */
  failure: { message: string } | null
  description: string
  current: boolean
  created_at: string
  user: { email: string }
  output_stream_url: string | null
  slug: { id: string } | null
}

export type SlugJson = {
  id: string
  blob: { url: string }
  buildpack_provided_description: string | null
  commit: string | null
  created_at: string
  process_types: Record<string, string>
  size: number | null
  stack: { name: string }
}

export type BuildJson = {
  id: string
  status: 'pending' | 'succeeded' | 'failed'
  /** Ours: Heroku knows only the three of `status`. */
  state: 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'superseded'
  failure: { id: string; message: string } | null
  created_at: string
  updated_at: string
  output_stream_url: string
  release: { id: string } | null
  source_blob: { version: string | null }
  user: { email: string }
  buildpacks: { name: string }[] | null
  /** Ours; null for one that never ran. */
  report: BuildReportJson | null
}

export type BuildReportJson = {
  /** Milliseconds. */
  phases: Record<string, number>
  unchanged_since: number | null
  dependencies: string | null
  source_bytes: number | null
  slug_bytes: number | null
  dependency_bytes: number | null
  image_bytes: number | null
  packs: string[]
}

export type AppDiskJson = {
  app: { name: string }
  total_bytes: number
  image_bytes: number
  /** null where the server cannot know. */
  cache_bytes: number | null
  repository_bytes: number
  log_bytes: number
  volumes: { name: string; used_bytes: number | null }[]
}

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

export type AppSetupJson = {
  id: string
  status: 'pending' | 'succeeded' | 'failed'
  failure_message: string | null
  app: { id: string; name: string }
  build: { id: string; status: BuildJson['status']; output_stream_url: string } | null
  manifest_errors: string[]
  postdeploy: { exit_code: number; output: string } | null
  resolved_success_url: string | null
}

export type CollaboratorJson = {
  id: string
  role: 'owner' | 'admin' | 'collaborator'
  permissions: { name: string }[]
  user: { email: string }
}

export type FeatureJson = { name: string; description: string; enabled: boolean }

export type TransferJson = {
  id: string
  app: { name: string }
  owner: { email: string }
  recipient: { email: string }
  state: 'pending' | 'accepted' | 'declined'
}

export type RegionJson = { name: string; description: string }

export type KeyJson = { id: string; public_key: string; fingerprint: string; comment: string }

export type AuthorizationJson = {
  id: string
  description: string
  scope: string[]
  created_at: string
  session: { id: string } | null
  access_token: { token: string; expires_in: number | null } | null
  user: { email: string }
}

/** Milliseconds, bytes and cores. Ours: Heroku's API has none of this. */
export type FiguresJson = {
  requests: number
  errors: number
  codes: Record<string, number>
  latency: { p50: number; p95: number; p99: number } | null
  dynos: { memory: number; cpu: number | null } | null
}

export type MetricsJson = {
  app: { name: string }
  period: string
  /** Seconds of one point. */
  resolution: number
  totals: FiguresJson
  points: (FiguresJson & { at: string })[]
  addons: AddonUseJson[]
}

export type ExposureJson = {
  name: string
  exposed: { host: string; port: number; networks: string[]; url: string } | null
}

type UsedJson = { used: number | null; most: number | null }

export type AddonUseJson = {
  name: string
  /** Bytes. */
  memory: UsedJson
  disk: UsedJson
  connections: UsedJson
  read_only: boolean
  since: string | null
}

export type DrainJson = { id: string; url: string; token: string; created_at: string }

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
  last_good: { started_at: string } | null
  last_proven: { at: string } | null
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
export type AddonProofJson = { id: string; status: string; reason: string | null }
export type AddonInfoJson = { name: string; info: { name: string; values: string[] }[] }

/** Not in Heroku's API; `authority` is a certificate in PEM. */
export type ServerJson = { url: string; tls: { port: number; authority: string | null } | null }

/** Not in Heroku's API. */
export type EdgeJson = {
  allow: string[]
  deny: string[]
  users: string[]
  body_bytes: number | null
  answer_seconds: number | null
  idle_seconds: number | null
}
/** `password`: one that was made, which is told once. */
export type EdgeUserJson = { name: string; password: string | null }

/** Not in Heroku's API. */
export type FindingJson = {
  name: string
  state: 'good' | 'warning' | 'bad' | 'unknown'
  message: string
  advice: string | null
}
export type FindingsJson = { checked_at: string | null; findings: FindingJson[] }

export type WebhookJson = { id: string; url: string; include: string[]; level: string }

export type WebhookDeliveryJson = {
  id: string
  created_at: string
  event: { include: string }
  status: string
  num_attempts: number
  last_attempt: { code: number | null; error_class: string | null } | null
  next_attempt_at: string | null
}

export type DomainJson = {
  hostname: string
  kind: 'heroku' | 'custom'
  cname: string | null
  status: string
  created_at: string
  sni_endpoint: { id: string; name: string } | null
  acm_status: string | null
  acm_status_reason: string | null
}

export type SniEndpointJson = {
  id: string
  name: string
  ssl_cert: {
    'ca_signed?': boolean
    cert_domains: string[]
    expires_at: string
    issuer: string
    /** It comes by itself. */
    acm: boolean
    starts_at: string
    subject: string
  }
}

/** Ours; null: as is usual. `hsts`: seconds. */
export type HttpsJson = { redirect: boolean | null; hsts: number | null }

/** Ours: a certificate that comes by itself. */
export type ManagedCertificateJson = {
  hostnames: string[]
  status: 'pending' | 'in-progress' | 'cert issued' | 'failing' | 'failed'
  issued_at: string | null
  expires_at: string | null
  renews_at: string | null
  reason: string | null
  next_attempt_at: string | null
}

/** Ours. */
export type ManagedCertificatesJson = { enabled: boolean; available: boolean; certificates: ManagedCertificateJson[] }

/** Ours: what an app runs on. */
export type RunImageJson = {
  app: { name: string }
  stack: { name: string }
  movable: boolean
  packages_at: string | null
  updates: { package: string; installed: string; available: string; security: boolean }[] | null
  reason: string | null
  last_move: { state: string; reason: string | null; at: string } | null
}

/** Ours. */
export type StackUpgradeJson = {
  id: string
  state: 'running' | 'finished' | 'failed'
  progress: string | null
  reason: string | null
  apps: StackMoveJson[]
}

export type StackMoveJson = {
  app: { name: string }
  state: 'pending' | 'moved' | 'current' | 'unmovable' | 'failed'
  reason: string | null
  release: { version: number } | null
}

/** Ours: who did what, as it was hashed, and its hash. */
export type AuditEntryJson = {
  sequence: number
  created_at: string
  action: string
  account: { id: string; email: string } | null
  via: string
  token: string | null
  client: string | null
  app: { id: string; name: string } | null
  resource: string | null
  detail: Record<string, unknown>
  failure: string | null
  previous: string
  hash: string
}

/** Ours. */
export type AuditVerdictJson = {
  start: { sequence: number; hash: string }
  head: { sequence: number; hash: string }
  entries: number
  broken: { sequence: number; reason: string } | null
}

/** Ours. */
export type TwoFactorJson = { enabled: boolean; recovery_codes_left: number }

/** Ours. */
export type NewTwoFactorJson = { secret: string; url: string }
