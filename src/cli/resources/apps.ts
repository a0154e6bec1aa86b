import type { BuildJson } from './builds.ts'

/** Apps and their parts, as in the Platform API: the fields that the command reads. */

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
  /** Ours: the version of the newer release that serves in its place. */
  superseded_by: number | null
  description: string
  current: boolean
  created_at: string
  user: { email: string }
  output_stream_url: string | null
  slug: { id: string } | null
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

export type DrainJson = { id: string; url: string; token: string; created_at: string }

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
