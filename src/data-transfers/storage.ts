import type { Readable } from 'node:stream'
import { PaasError } from '../errors.ts'
import type { DataTransferId } from '../model/ids.ts'

/** Where backups of add-ons are. A place is what the record has of one. */
export interface BackupStorage {
  /** All of it or nothing: a stream that fails leaves nothing there. @returns its place */
  store(id: DataTransferId, content: Readable, signal: AbortSignal): Promise<string>
  /** @throws backup_missing, or by the stream */
  read(place: string, signal: AbortSignal): Readable
  /** What is not there any more is fine. */
  remove(places: string[], signal: AbortSignal): Promise<void>
  /** Removes what no record leads to. */
  tidy(places: ReadonlySet<string>, signal: AbortSignal): Promise<void>
}

/** New backups go to the target where there is one; those made before stay where they are. */
export class Storages implements BackupStorage {
  readonly #files: BackupStorage
  readonly #target: BackupStorage | undefined

  constructor({ files, target }: { files: BackupStorage; target: BackupStorage | undefined }) {
    this.#files = files
    this.#target = target
  }

  store(id: DataTransferId, content: Readable, signal: AbortSignal): Promise<string> {
    return (this.#target ?? this.#files).store(id, content, signal)
  }

  read(place: string, signal: AbortSignal): Readable {
    return this.#holding(place).read(place, signal)
  }

  async remove(places: string[], signal: AbortSignal): Promise<void> {
    const here = places.filter(isFile)
    const there = places.filter((place) => !isFile(place))
    if (here.length > 0) await this.#files.remove(here, signal)
    if (there.length > 0) await this.#target?.remove(there, signal)
  }

  async tidy(places: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    await this.#files.tidy(places, signal)
    await this.#target?.tidy(places, signal)
  }

  #holding(place: string): BackupStorage {
    if (isFile(place)) return this.#files
    if (this.#target) return this.#target
    throw new PaasError('backup_missing', 'The backup is at a backup target that this server does not use any more.', {
      hint: "The server's operator sets PAAS_BACKUP_TARGET as it was.",
    })
  }
}

export const filePrefix = 'file:'

function isFile(place: string): boolean {
  return place.startsWith(filePrefix)
}
