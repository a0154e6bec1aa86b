import { at, type Platform } from './platform.ts'
import type { ShownBuild, ShownRelease } from './shapes.ts'

/** A build, the release that came of it, or a release that no build made. */
export type HistoryEntry = { at: string; build?: ShownBuild; release?: ShownRelease }

/** Shown on one page. */
const most = 30

/**
 * Builds and releases of an app as one history, newest first.
 * @param before only what is older, as `older` says for the next page
 */
export async function readDeploys(
  platform: Platform,
  app: string,
  before: string | undefined,
): Promise<{ entries: HistoryEntry[]; older: string | undefined }> {
  // Times of answers have no fractions, those that are compared do: of a second all is shown, or
  // none.
  const range = `created_at ${before ? `]${before.replace('Z', '.000Z')}` : ''}..; order=desc,max=200`
  const [builds, releases] = await Promise.all([
    platform.list<ShownBuild>(at`/apps/${app}/builds`, range),
    platform.list<ShownRelease>(at`/apps/${app}/releases`, range),
  ])
  const all = merge(builds, releases)
  const last = all[most - 1]?.at
  if (last === undefined || all.length <= most) return { entries: all, older: undefined }
  return { entries: all.filter((entry) => entry.at >= last), older: last }
}

function merge(builds: ShownBuild[], releases: ShownRelease[]): HistoryEntry[] {
  const made = new Set(builds.map(({ release }) => release?.id))
  const entries: HistoryEntry[] = builds.map((build) => {
    const release = releases.find(({ id }) => id === build.release?.id)
    return { at: build.created_at, build, ...(release ? { release } : {}) }
  })
  for (const release of releases) if (!made.has(release.id)) entries.push({ at: release.created_at, release })
  const version = ({ release }: HistoryEntry): number => release?.version ?? Infinity
  return entries.toSorted((a, b) => (a.at === b.at ? version(b) - version(a) || 0 : a.at < b.at ? 1 : -1))
}
