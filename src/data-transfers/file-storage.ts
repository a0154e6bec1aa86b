import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { DataTransferId } from '../model/ids.ts'
import { filePrefix, type BackupStorage } from './storage.ts'

/** Backups in a directory of their own, a file each. */
export class FileStorage implements BackupStorage {
  readonly #directory: string
  /** What this process has begun to store: newer than the list that it is tidied by. */
  readonly #begun = new Set<string>()

  constructor(directory: string) {
    this.#directory = directory
  }

  async store(id: DataTransferId, content: Readable, signal: AbortSignal): Promise<string> {
    // It may break off before anybody reads it.
    content.on('error', () => undefined)
    const place = `${filePrefix}${id}`
    const draft = `${this.#path(place)}.part`
    this.#begun.add(this.#path(place)).add(draft)
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    try {
      await pipeline(content, createWriteStream(draft, { mode: 0o600, flush: true }), { signal })
      await rename(draft, this.#path(place))
      return place
    } finally {
      await rm(draft, { force: true })
    }
  }

  read(place: string, signal: AbortSignal): Readable {
    return createReadStream(this.#path(place), { signal, highWaterMark: 256 * 1024 })
  }

  async remove(places: string[]): Promise<void> {
    for (const place of places) await rm(this.#path(place), { force: true })
  }

  async tidy(places: ReadonlySet<string>): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const known = new Set([...places].map((place) => this.#path(place)))
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name)
      if (!known.has(path) && !this.#begun.has(path)) await rm(path, { recursive: true, force: true })
    }
  }

  #path(place: string): string {
    return join(this.#directory, `${place.slice(filePrefix.length)}.dump`)
  }
}
