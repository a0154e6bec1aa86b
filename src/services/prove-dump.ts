import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import type { Engine } from '../engine/engine.ts'
import { asPaasError, isBeside, isCode, PaasError } from '../errors.ts'
import type { DataTransfer } from '../model/data-transfer.ts'
import type { Store } from '../store/store.ts'
import { runArchiveProgram } from './archive.ts'
import { addonFacts, canBeCopied, loadAddon } from './dumps.ts'
import { checkFacts } from './facts.ts'
import { untilHealthy } from './healthy.ts'
import { Summed } from './summed.ts'
import { startTrial, type Proven, type TrialDeps } from './trial.ts'

export type ProveDumpDeps = Omit<TrialDeps, 'engine' | 'store'> & {
  engine: TrialDeps['engine'] & Pick<Engine, 'streamInService'>
  store: TrialDeps['store'] & Pick<Store, 'dataTransfers'>
  /** Where dumps are. */
  storage: { read(place: string, signal: AbortSignal): Readable }
}

/**
 * Loads a dump into a container that is thrown away, and compares what is inside with what was
 * noted when it was made.
 * @returns whether there was something to compare it with
 * @throws backup_damaged that says what is wrong; backup_missing where it was deleted meanwhile;
 *   what says nothing of it, as it is
 */
export async function proveDump(
  deps: ProveDumpDeps,
  proven: Proven,
  dump: DataTransfer,
  signal: AbortSignal,
): Promise<boolean> {
  const { service } = proven
  if (!canBeCopied(service)) throw new PaasError('backup_missing', `${service.title} has no program that loads a dump.`)
  await using trial = await startTrial(deps, proven, { restored: false }, signal)
  await untilHealthy(deps, trial.copy, trial, signal)
  try {
    await load(deps, trial, dump, signal)
    const noted = service.scripts.includes('facts') ? deps.store.dataTransfers.factsOf(dump.id) : undefined
    if (noted) {
      const found = await addonFacts(deps, trial.copy, signal)
      checkFacts(noted, found)
    }
    if (service.scripts.includes('verify')) await runArchiveProgram(deps, trial.id, { argv: ['verify'] }, signal)
    return noted !== undefined
  } catch (cause) {
    signal.throwIfAborted()
    if (!deps.store.dataTransfers.find(dump.id)) throw new PaasError('backup_missing', 'It was deleted meanwhile.')
    if (isBeside(asPaasError(cause))) throw cause
    const reason = isCode(cause, 'ENOENT') ? 'The stored dump is gone.' : asPaasError(cause).message
    throw new PaasError('backup_damaged', reason, { cause })
  }
}

async function load(
  deps: ProveDumpDeps,
  { copy }: { copy: Parameters<typeof loadAddon>[1] },
  { state }: DataTransfer,
  signal: AbortSignal,
): Promise<void> {
  const stored = state.kind === 'succeeded' ? state.stored : null
  if (!stored) throw new PaasError('backup_missing', 'The dump is not there any more.')
  const summed = new Summed(stored.sha256)
  const read = pipeline(deps.storage.read(stored.place, signal), summed)
  read.catch(() => undefined)
  await loadAddon(deps, copy, { copy: summed }, signal)
  await read
}
