import type { Engine } from '../engine/engine.ts'
import type { DynoExit } from '../model/dyno-exit.ts'
import { PaasError } from '../errors.ts'
import type { Release } from '../model/release.ts'
import type { Slug } from '../model/slug.ts'
import { commandSpec, runCommand, type CommandDeps } from '../dynos/command.ts'
import type { Deployable } from '../dynos/deployable.ts'
import { explainExit } from '../model/dyno-exit.ts'
import type { Narrator } from '../model/narrator.ts'

export type ReleaseCommandDeps = CommandDeps & {
  engine: Pick<Engine, 'listDynos'>
  /** How long it may run, in seconds. */
  timeoutSeconds: number
}

/** `onOutput` gets each line as the command printed it. */
type Options = { narrator: Narrator; signal: AbortSignal; onOutput: (line: Buffer) => void }

/** Whether a release has a command that is still to be run before its deploy. */
export function isCommandDue({ commandDone }: Release, { processTypes }: Slug): boolean {
  return Boolean(processTypes['release']) && !commandDone
}

/**
 * Runs the `release` process type as a one-off dyno with the new slug and config; what it prints goes to `narrator`.
 * @throws release_command_failed
 */
export async function runReleaseCommand(
  deps: ReleaseCommandDeps,
  deployable: Deployable,
  { narrator, signal, onOutput }: Options,
): Promise<void> {
  await removeLeftOver(deps.engine, deployable)
  narrator.topic('Running release command...')
  const timeout = AbortSignal.timeout(deps.timeoutSeconds * 1000)
  const exit = await runOnce(deps, deployable, {
    narrator,
    onOutput,
    signal: AbortSignal.any([signal, timeout]),
  }).catch((cause) => {
    if (!timeout.aborted || signal.aborted) throw cause
    throw failed(`it ran longer than ${deps.timeoutSeconds} s`, cause)
  })
  if (exit.code !== 0 || exit.outOfMemory) throw failed(`it ${explainExit(exit, deps.sizes.basic)}`)
}

/** One that was out of our hands while the engine was away: two at once would be two migrations at once. */
async function removeLeftOver(engine: ReleaseCommandDeps['engine'], { app }: Deployable): Promise<void> {
  const dynos = await engine.listDynos({ appId: app.id })
  for (const { id, type } of dynos) if (type === 'release') await engine.stopDyno(id, 0)
}

function runOnce(
  deps: ReleaseCommandDeps,
  deployable: Deployable,
  { narrator, signal, onOutput }: Options,
): Promise<DynoExit> {
  const spec = commandSpec(deps, deployable, { type: 'release' })
  const tell = (line: Buffer): void => {
    onOutput(line)
    narrator.raw(Buffer.concat([Buffer.from('       '), line]))
  }
  return runCommand(deps, spec, tell, signal)
}

function failed(reason: string, cause?: unknown): PaasError {
  return new PaasError('release_command_failed', `release command failed: ${reason}`, { cause })
}
