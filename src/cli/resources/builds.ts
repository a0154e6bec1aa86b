/** Builds, slugs and what they run on: the fields that are read. */

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
