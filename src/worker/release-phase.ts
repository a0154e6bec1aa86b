import { createNarrator } from '../output/narrate.ts'
import type { OutputWriters } from '../model/output.ts'
import type { Deployable } from '../dynos/deployable.ts'
import type { Narrator } from '../model/narrator.ts'
import { isCommandDue, runReleaseCommand, type ReleaseCommandDeps } from '../release/release-command.ts'
import type { Store } from '../store/store.ts'

/** What is kept of a command's output, UTF-16 units: config changes follow each other faster than builds, and fifty of an app are kept. */
const mostKept = 2 ** 20

export type ReleasePhaseDeps = ReleaseCommandDeps & {
  store: Pick<Store, 'releases'>
  outputs: Pick<OutputWriters, 'open'>
}

/**
 * What each release goes through before its deploy, whatever made it: its command runs, if there is one. What that prints is told to
 * `narrator` and kept with the release. That it has ended well is on record at once, so no later attempt at the deploy runs it again;
 * one that was cut off by the end of the worker, or of the engine, begins again.
 * @throws release_command_failed
 */
export async function releasePhase(
  deps: ReleasePhaseDeps,
  deployable: Deployable,
  { narrator, signal }: { narrator: Narrator; signal: AbortSignal },
): Promise<void> {
  const { release, slug, config } = deployable
  if (!isCommandDue(release, slug)) return
  await using writer = deps.outputs.open(release.id)
  const kept = createNarrator({ write: (text) => writer.write(text), config, most: mostKept })
  if (writer.isContinued) kept.topic('The release command began again: the server was interrupted.')
  try {
    await runReleaseCommand(deps, deployable, { narrator, signal, onOutput: (line) => kept.raw(line) })
    deps.store.releases.recordCommand(release.id)
  } finally {
    kept.end()
    await writer.end()
  }
}
