import { asPaasError } from '../errors.ts'
import type { Stored } from './restic.ts'

/** `kept`: as the manifest has it; `lacks`: what could not be read, as it is told. */
export type Kept<T> = { kept: T[]; lacks: string[]; bytes: number; addedBytes: number }

type Storing<Of, T> = { named: (one: Of) => string; store: (one: Of) => Promise<{ stored: Stored; one: T }> }

/**
 * Stores one after the other. One that cannot be read is told, and keeps nobody from having the
 * rest.
 * @throws what the backup target says
 */
export async function storeEach<Of, T>(
  all: Of[],
  { named, store }: Storing<Of, T>,
  signal: AbortSignal,
): Promise<Kept<T>> {
  const done: Kept<T> = { kept: [], lacks: [], bytes: 0, addedBytes: 0 }
  for (const each of all) {
    try {
      const { stored, one } = await store(each)
      done.kept.push(one)
      done.bytes += stored.bytes
      done.addedBytes += stored.addedBytes
    } catch (cause) {
      signal.throwIfAborted()
      const { code, message } = asPaasError(cause)
      if (code.startsWith('backup_')) throw cause // it is the target that fails
      done.lacks.push(`${named(each)}: ${message}`)
    }
  }
  return done
}
