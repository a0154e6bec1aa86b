/** What the API answers, as far as pages use it. */

type ShownUser = { id: string; email: string }

type ShownLastBuild = {
  id: string
  state: BuildWord
  commit: string | null
  created_at: string
  finished_at: string | null
  user: ShownUser
}
export type BuildWord = 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'superseded'

export type ShownSummary = {
  app: { id: string; name: string }
  build: ShownLastBuild | null
  dynos: { wanted: number; up: number; starting: number; crashed: number; down: number }
  maintenance: boolean
  owner: ShownUser
  release: {
    id: string
    version: number
    description: string
    created_at: string
    commit: string | null
    user: ShownUser
  } | null
  state: 'empty' | 'maintenance' | 'crashed' | 'stopped' | 'up' | 'starting' | 'down'
  traffic: { per_minute: number[]; p95: number | null }
  web_url: string
}

export type ShownBuild = {
  id: string
  state: BuildWord
  status: 'pending' | 'succeeded' | 'failed'
  commit: string | null
  ref: string | null
  created_at: string
  updated_at: string
  finished_at: string | null
  cancel_requested: boolean
  failure: { id: string; message: string } | null
  superseded_by: string | null
  release: { id: string } | null
  slug: { id: string } | null
  user: ShownUser
  output_stream_url: string
  source_blob: { version: string | null; version_description: string | null }
  report: {
    phases: Record<string, number>
    unchanged_since: number | null
    slug_bytes: number | null
    image_bytes: number | null
  } | null
}

export type ShownRelease = {
  id: string
  version: number
  description: string
  created_at: string
  current: boolean
  eligible_for_rollback: boolean
  failure: { message: string } | null
  output_stream_url: string | null
  slug: { id: string } | null
  status: 'pending' | 'succeeded' | 'failed'
  superseded_by: number | null
  user: ShownUser
}

export type ShownDyno = {
  id: string
  name: string
  type: string
  size: string
  state: 'starting' | 'up' | 'crashed' | 'stopping' | 'down'
  command: string
  created_at: string
  updated_at: string
  release: { version: number }
  reason?: { id: string; message: string } | null
}

export type ShownChanges = {
  code: { from: string | null; is_same: boolean; to: string | null }
  config: { added: string[]; changed: string[]; removed: string[] }
  since: { id: string; version: number } | null
}

export type ListedDomain = { hostname: string; kind: 'heroku' | 'custom' }
