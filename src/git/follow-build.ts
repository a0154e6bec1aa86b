import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../log.ts'
import { isFinished, type Build } from '../model/build.ts'
import type { BuildId } from '../model/ids.ts'
import type { OutputReader } from '../model/output.ts'
import type { BuildRecords } from '../store/store.ts'

export type FollowDeps = { builds: Pick<BuildRecords, 'find'>; output: OutputReader; log: Logger }

/**
 * Milliseconds between looks at the database, which another process writes: usually, and once the
 * output has ended.
 */
const lookEvery = { usually: 100, atTheEnd: 10 }
/**
 * Milliseconds without any output after which that of a finished build counts as complete, its end
 * mark or not.
 */
const lastWords = 5_000

/**
 * Shows a build's output from its beginning and gives the build once it is finished.
 * @throws the signal's reason
 */
export async function followBuild(
  deps: FollowDeps,
  id: BuildId,
  show: (bytes: Buffer) => Promise<void>,
  signal: AbortSignal,
): Promise<Build> {
  const enough = new AbortController()
  const reading = AbortSignal.any([signal, enough.signal])
  let pieces = 0
  const counted = (bytes: Buffer): Promise<void> => (pieces++, show(bytes))
  const shown = showOutput(deps, id, counted, reading)
  try {
    const finishedFirst = await Promise.race([shown, finished(deps, id, lookEvery.usually, reading)])
    const build = finishedFirst ?? (await finished(deps, id, lookEvery.atTheEnd, signal))
    // A build that never ran has no output to end.
    if (build.generation > 0) await Promise.race([shown, standstill(() => pieces, reading)])
    return build
  } finally {
    enough.abort(new Error('the build is finished'))
  }
}

/** Never rejects: a build whose output cannot be read has a verdict all the same. */
async function showOutput(
  { output, log }: FollowDeps,
  id: BuildId,
  show: (bytes: Buffer) => Promise<void>,
  signal: AbortSignal,
): Promise<undefined> {
  try {
    for await (const { bytes } of output.read(id, 0, signal)) await show(bytes)
  } catch (cause) {
    if (signal.aborted) return
    log.error({ err: cause, build: id }, 'build output cannot be read')
    await show(
      Buffer.from(
        ` !     The output cannot be shown; the build continues. See it later with: paas builds:output ${id}\n`,
      ),
    )
  }
}

async function standstill(count: () => number, signal: AbortSignal): Promise<void> {
  for (let before = -1; before !== count(); await delay(lastWords, undefined, { signal })) before = count()
}

async function finished({ builds }: FollowDeps, id: BuildId, every: number, signal: AbortSignal): Promise<Build> {
  for (;;) {
    const build = builds.find(id)
    if (!build) throw new Error(`build ${id} is gone from the record`)
    if (isFinished(build.state)) return build
    await delay(every, undefined, { signal })
  }
}
