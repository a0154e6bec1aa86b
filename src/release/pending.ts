import type { AppId } from '../model/ids.ts'
import { contained, nextStep, type NextStep } from '../model/pending-releases.ts'
import type { OutputWriters } from '../model/output.ts'
import type { Store } from '../store/store.ts'
import { isCommandDue } from './release-command.ts'

/** What is next for the app's pending releases, by the database. */
export function nextStepOf(store: Store, appId: AppId): NextStep {
  const { apps, releases, builds } = store
  if (releases.listPending(appId).length === 0) return { kind: 'none' }
  return nextStep({
    releases: releases.list(appId),
    current: apps.get(appId)?.currentReleaseId ?? null,
    building: builds.listUnfinished(appId).flatMap(({ releaseId }) => releaseId ?? []),
  })
}

/** Whether a step runs a release command, which may take as long as it likes. */
export function beginsWithCommand({ slugs }: Store, step: NextStep): boolean {
  if (step.kind !== 'deploy' || step.release.slugId === null) return false
  const slug = slugs.find(step.release.slugId)
  return slug !== undefined && isCommandDue(step.release, slug)
}

/**
 * Ends the pending releases that one of this version contains. A worker that died may have begun
 * the command of one, and whoever reads the output of that waits for its end.
 */
export async function supersede(
  { store, outputs }: { store: Store; outputs: OutputWriters },
  appId: AppId,
  below: number,
): Promise<void> {
  for (const { id } of contained(store.releases.listPending(appId), below)) {
    store.releases.setState(id, { kind: 'superseded', by: below })
    await outputs.closeBegun(id)
  }
}
