import type { ReleaseId, SlugId } from './ids.ts'
import type { Release } from './release.ts'

/** What decides about the pending releases of one app. */
export type ReleaseRecord = {
  /** All of the app, newest first. */
  releases: Release[]
  /** The release that serves; null: nothing was deployed yet. */
  current: ReleaseId | null
  /** The releases of builds that have no verdict yet. */
  building: ReleaseId[]
}

/** The next step for pending releases. */
export type NextStep =
  | { kind: 'none' }
  /** A newer one serves, so pending ones below this version are contained in it. */
  | { kind: 'supersede'; below: number }
  /**
   * It carries code that failed; it keeps its config and its number, and takes this code instead.
   */
  | { kind: 'replace-code'; release: Release; slugId: SlugId | null }
  /** It has no code to run: it has succeeded. */
  | { kind: 'accept'; release: Release }
  | { kind: 'deploy'; release: Release }

/**
 * The newest pending release is next, since it contains the older ones. A build deploys its own
 * release; until it has, the others wait, because they may carry its code.
 */
export function nextStep({ releases, current, building }: ReleaseRecord): NextStep {
  const pending = releases.filter(({ state }) => state.kind === 'pending')
  const [release] = pending
  if (!release || pending.some(({ id }) => building.includes(id))) return { kind: 'none' }
  const serving = releases.find(({ id }) => id === current)
  if (serving && release.version < serving.version) return { kind: 'supersede', below: serving.version }
  if (carriesFailedCode(release, releases)) return { kind: 'replace-code', release, slugId: serving?.slugId ?? null }
  return { kind: release.slugId === null ? 'accept' : 'deploy', release }
}

/** Pending releases that one of this version contains: when it succeeds, it supersedes them. */
export function contained(releases: Release[], version: number): Release[] {
  return releases.filter((release) => release.state.kind === 'pending' && release.version < version)
}

/**
 * The newest release that did not fail. A change continues with its code, and when a change has
 * failed the app's config vars are its again: else the next release would carry what failed,
 * whatever that one is about.
 */
export function newestGood(releases: Release[]): Release | undefined {
  return releases.find(({ state }) => state.kind !== 'failed')
}

/**
 * A release made while its code was being deployed by an earlier one; if none of it ever served, it
 * must not be dragged in.
 */
function carriesFailedCode({ slugId, version, bringsCode }: Release, releases: Release[]): boolean {
  if (slugId === null || bringsCode) return false
  const earlier = releases.filter((other) => other.slugId === slugId && other.version < version)
  const origin = earlier.find((other) => other.bringsCode)
  return origin?.state.kind === 'failed' && earlier.every(({ state }) => state.kind !== 'succeeded')
}
