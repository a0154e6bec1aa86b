import type { AppId, DrainId } from './ids.ts'

/** A user's server that receives an app's log, line by line. */
export type Drain = {
  id: DrainId
  appId: AppId
  /** May hold a user name and a password. */
  url: string
  /** Tells the receiver from whom the lines are: `d.` and a UUID. */
  token: string
  createdAt: Date
  updatedAt: Date
}

export const mostDrains = 5

/** The default port of each scheme that a drain may have. */
export const drainSchemes = { https: 443, http: 80, 'syslog+tls': 6514, syslog: 514 }

/**
 * What messages call it: `01234567-… (https://logs.example.com)`. All drains of an app get these
 * messages, so nothing that lets somebody send to this one is in them: no password, path or query,
 * nor the token.
 */
export function nameOf({ id, url }: Pick<Drain, 'id' | 'url'>): string {
  const { protocol, host } = new URL(url)
  return `${id} (${protocol}//${host})`
}
