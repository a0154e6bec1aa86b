/** The server itself, of which Heroku's API has nothing: the fields that are read. */

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

/** Not in Heroku's API; `authority` is a certificate in PEM. */
export type ServerJson = { url: string; tls: { port: number; authority: string | null } | null }

/** Not in Heroku's API. */
export type FindingJson = {
  name: string
  state: 'good' | 'warning' | 'bad' | 'unknown'
  message: string
  advice: string | null
}

export type FindingsJson = { checked_at: string | null; findings: FindingJson[] }
