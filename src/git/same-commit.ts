import type { Build } from '../model/build.ts'
import type { App } from '../model/app.ts'
import { ownCommit } from '../model/slug.ts'
import type { SlugRecords } from '../store/slug-records.ts'
import type { AppRecords, BuildRecords, ReleaseRecords } from '../store/store.ts'

export type SameCommitDeps = {
  apps: Pick<AppRecords, 'get'>
  builds: Pick<BuildRecords, 'listUnfinished'>
  releases: Pick<ReleaseRecords, 'find' | 'listPending'>
  slugs: Pick<SlugRecords, 'find'>
}

/**
 * The unfinished build that a push of this commit asks for once more. Only the app's newest can be:
 * behind another one it would not be what is deployed last.
 */
export function findUnderWay(
  { builds }: Pick<SameCommitDeps, 'builds'>,
  asked: Pick<Build, 'appId' | 'commit' | 'ref' | 'noCache'>,
): Build | undefined {
  const newest = builds.listUnfinished(asked.appId).at(-1)
  if (newest?.commit !== asked.commit || newest.ref !== asked.ref) return undefined
  const cancelled = newest.state.kind === 'running' && newest.state.cancelRequested
  return cancelled || (asked.noCache && !newest.noCache) ? undefined : newest
}

/** True when a push of that commit may need no build of its own. */
export function isKnown(deps: SameCommitDeps, app: App, commit: string): boolean {
  return deps.builds.listUnfinished(app.id).at(-1)?.commit === commit || servesAlready(deps, app, commit)
}

/** True when the commit is what the app serves and nothing is on its way that would change it. */
export function servesAlready({ apps, builds, releases, slugs }: SameCommitDeps, app: App, commit: string): boolean {
  if (builds.listUnfinished(app.id).length > 0 || releases.listPending(app.id).length > 0) return false
  const currentId = apps.get(app.id)?.currentReleaseId
  const slugId = currentId ? releases.find(currentId)?.slugId : undefined
  return slugId ? ownCommit(slugs.find(slugId), app.id) === commit : false
}
