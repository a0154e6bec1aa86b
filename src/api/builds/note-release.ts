import type { Account } from '../../model/account.ts'
import type { Release } from '../../model/release.ts'
import type { ApiDeps } from '../deps.ts'

/** Tells the app's log who made a release, in Heroku's words. */
export function noteRelease({ platformLog }: Pick<ApiDeps, 'platformLog'>, release: Release, account: Account): void {
  platformLog.api(release.appId, `${release.description} by user ${account.email}`)
  platformLog.api(release.appId, `Release v${release.version} created by user ${account.email}`)
}
