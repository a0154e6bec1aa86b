import type { Dyno } from '../engine/engine.ts'
import { asPaasError, isPassing } from '../errors.ts'
import type { App } from '../model/app.ts'
import type { Narrator } from '../model/narrator.ts'
import type { Release } from '../model/release.ts'
import type { DynoParts } from './parts.ts'
import { reconcile } from './reconcile.ts'

type Failed = {
  app: App
  /** Those that did not take over; some may still be on their way out. */
  dynos: Dyno[]
  narrator: Narrator
  signal: AbortSignal
  /** The one that failed, and why. */
  release?: Pick<Release, 'id'>
  cause?: unknown
}

/**
 * After a release that did not come up, when the dynos it was to replace had to stop first: those
 * of the current release start again, and what is held goes to them. A worker that stops leaves it
 * to the next one, and a release that gives way to the newer one that follows.
 */
export async function bringBack(
  parts: DynoParts,
  { app, dynos, narrator, signal, release, cause }: Failed,
): Promise<void> {
  const present = parts.store.apps.get(app.id)
  if (!present || present.currentReleaseId === null || signal.aborted) return
  if (asPaasError(cause).code === 'release_superseded') return
  // With the data that they had: what passes by itself will be tried again with the new.
  const isNew = release && release.id !== present.currentReleaseId
  if (isNew && !isPassing(asPaasError(cause))) parts.store.volumes.switchBack(release.id)
  try {
    await parts.retirement.finished(dynos)
    await reconcile(parts, present, signal)
    narrator.detail(`v${parts.store.releases.find(present.currentReleaseId)?.version} serves again`)
  } catch (error) {
    parts.log.warn({ app: app.id, err: error }, 'the release of before has not come back yet')
  }
}
