import type { Dynos } from '../dynos/dynos.ts'
import type { Deployable } from '../dynos/deployable.ts'
import { createNarrator } from '../output/narrate.ts'
import { PaasError } from '../errors.ts'
import type { Release } from '../model/release.ts'
import type { Slug } from '../model/slug.ts'
import type { Narrator } from '../model/narrator.ts'
import type { OutputWriters } from '../model/output.ts'
import type { Store } from '../store/store.ts'

/**
 * What is kept of a command's output, UTF-16 units: config changes follow each other faster than
 * builds, and fifty of an app are kept.
 */
const mostKept = 2 ** 20

type Options = { narrator: Narrator; signal: AbortSignal; timeoutSeconds: number }

/** Whether a release has a command that is still to be run before its deploy. */
export function isCommandDue({ commandDone }: Release, { processTypes }: Slug): boolean {
  return Boolean(processTypes['release']) && !commandDone
}

/**
 * Runs the `release` process type, if there is one, with the new slug and config. What it prints is
 * told to `narrator` and kept with the release. That it has ended well is in the database at once,
 * so no later attempt at the deploy runs it again; one that was cut off by the end of the worker,
 * or of the engine, begins again.
 * @throws release_command_failed
 */
export async function runReleaseCommand(
  { dynos, outputs, store }: { dynos: Dynos; outputs: OutputWriters; store: Pick<Store, 'releases'> },
  deployable: Deployable,
  { narrator, signal, timeoutSeconds }: Options,
): Promise<void> {
  const { release, slug, config } = deployable
  if (!isCommandDue(release, slug)) return
  await using writer = outputs.open(release.id)
  const kept = createNarrator({ write: (text) => writer.write(text), config, most: mostKept })
  if (writer.isContinued) kept.topic('The release command was restarted: the server was interrupted.')
  const onOutput = (line: Buffer): void => {
    kept.raw(line)
    narrator.raw(Buffer.concat([Buffer.from('       '), line]))
  }
  narrator.topic('Running release command...')
  try {
    const { problem } = await dynos.runOnce(deployable, { type: 'release', timeoutSeconds, onOutput }, signal)
    if (problem) throw new PaasError('release_command_failed', `release command failed: it ${problem}`)
    store.releases.recordCommand(release.id)
  } finally {
    kept.end()
    await writer.end()
  }
}
