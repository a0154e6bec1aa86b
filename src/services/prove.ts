import { asPaasError, isBeside, PaasError } from '../errors.ts'
import type { AddonBackup } from '../model/addon-backup.ts'
import { runArchiveProgram } from './archive.ts'
import { restoreInto, type RestoreDeps } from './restore.ts'
import { untilHealthy } from './healthy.ts'
import { checkFacts } from './facts.ts'
import { startTrial, type Proven, type TrialDeps } from './trial.ts'

export type ProveDeps = TrialDeps & RestoreDeps

/**
 * Restores a backup into a container that is thrown away, lets the service look through it, and
 * compares what is inside with what was noted when the backup was made.
 * @returns whether there was something to compare it with
 * @throws backup_damaged that says what is wrong; what says nothing of it, as it is
 */
export async function proveBackup(
  deps: ProveDeps,
  proven: Proven,
  backup: AddonBackup,
  signal: AbortSignal,
): Promise<boolean> {
  const { addon, service } = proven
  if (backup.state.kind !== 'succeeded') throw new PaasError('backup_missing', `There is no backup of ${addon.name}.`)
  const { noted, label } = backup.state
  await using trial = await startTrial(deps, proven, { restored: true }, signal)
  try {
    const moment = noted ? { kind: 'mark' as const, mark: noted.mark, label } : { kind: 'latest' as const, label }
    await restoreInto(deps, trial, { addonId: addon.id, moment, asIfLost: true }, signal)
    await untilHealthy(deps, trial.copy, trial, signal)
    if (noted) {
      const facts = await runArchiveProgram(deps, trial.id, { argv: ['facts'] }, signal)
      checkFacts(noted.facts.split('\n'), facts.split('\n'))
    }
    if (service.scripts.includes('verify')) await runArchiveProgram(deps, trial.id, { argv: ['verify'] }, signal)
    return noted !== null
  } catch (cause) {
    signal.throwIfAborted()
    const reason = cause instanceof PaasError ? cause.message : String(cause)
    // Of an engine that is away nobody learns what the backup is.
    if (isBeside(asPaasError(cause))) throw cause
    throw new PaasError('backup_damaged', reason, { cause })
  }
}
