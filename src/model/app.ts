import type { FeatureName } from './feature.ts'
import type { AppId, AccountId, ReleaseId } from './ids.ts'

/** An app: what is pushed to, released and reached under a name. */
export type App = {
  id: AppId
  /** Matches `appNamePattern`; unique on this server. */
  name: string
  ownerId: AccountId
  stack: string
  /**
   * The branch a push of which deploys; null: `main`, or `master` while the app never had a `main`.
   */
  deployBranch: string | null
  maintenance: boolean
  /** Its own domains get certificates by themselves, where the server requests any. */
  acm: boolean
  /** null: as is usual, which is so where a certificate came by itself. `hsts`: seconds. */
  https: { redirect: boolean | null; hsts: number | null }
  /** What is turned on beside what every app has. */
  features: FeatureName[]
  /** What serves now; null before the first deploy succeeded. */
  currentReleaseId: ReleaseId | null
  /** Set once destroy was accepted: invisible from then on, the worker takes it down. */
  destroying: boolean
  createdAt: Date
  updatedAt: Date
}

/** Heroku's rule: 3 to 30 characters, a letter first, no dash last. */
export const appNamePattern = /^[a-z][a-z0-9-]{1,28}[a-z0-9]$/

/**
 * Where an app is reached: its name in front of the server's domain, on the same scheme and port.
 */
export function appUrl(publicUrl: string, name: string): string {
  const url = new URL(publicUrl)
  url.hostname = `${name}.${url.hostname}`
  return url.origin
}
