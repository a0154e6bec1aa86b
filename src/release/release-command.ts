import type { DynoExit } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { commandSpec, runCommand, type CommandDeps } from './command.ts'
import type { Deployable } from './deployable.ts'
import { explainExit } from './explain.ts'
import type { Narrator } from './narrator.ts'

export type ReleaseCommandDeps = CommandDeps & {
  /** How long it may run, in seconds. */
  timeoutSeconds: number
}

/** `onOutput` gets each line as the command printed it. */
type Options = { narrator: Narrator; signal: AbortSignal; onOutput: (line: Buffer) => void }

/**
 * Runs the `release` process type, if there is one, as a one-off dyno with the new slug and config; what it prints goes to `narrator`.
 * After a crash of the server it may run a second time for the same release.
 * @throws release_command_failed
 */
export async function runReleaseCommand(
  deps: ReleaseCommandDeps,
  deployable: Deployable,
  { narrator, signal, onOutput }: Options,
): Promise<void> {
  if (!deployable.slug.processTypes['release']) return
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
