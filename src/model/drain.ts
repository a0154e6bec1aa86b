import type { AppId, DrainId } from './ids.ts'

/** Somebody's own server that gets an app's log, line by line. */
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

/** The address alone, for messages: user names and passwords are not in it. */
export function placeOf({ url }: Pick<Drain, 'url'>): string {
  const { protocol, host } = new URL(url)
  return `${protocol}//${host}`
}
