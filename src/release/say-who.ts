import type { PlatformLog } from '../logs/platform-log.ts'
import type { Release } from '../model/release.ts'

/** Tells the app's log who made a release, in Heroku's words. */
export function sayWhoReleases(platformLog: Pick<PlatformLog, 'api'>, release: Release, email: string): void {
  platformLog.api(release.appId, `${release.description} by user ${email}`)
  platformLog.api(release.appId, `Release v${release.version} created by user ${email}`)
}
