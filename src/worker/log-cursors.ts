import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Logger } from '../log.ts'

/**
 * Milliseconds a cursor may be ahead of the file: so much may come twice after a crash of this
 * process.
 */
const saveAfter = 1000

/**
 * How far each dyno's output has been copied, by the engine's own cursors, kept in a small file.
 */
export class LogCursors {
  readonly #path: string
  readonly #log: Logger
  readonly #cursors: Map<string, string>
  #timer: NodeJS.Timeout | undefined

  constructor({ path, log }: { path: string; log: Logger }) {
    this.#path = path
    this.#log = log
    this.#cursors = new Map(Object.entries(read(path)))
  }

  get(id: string): string | undefined {
    return this.#cursors.get(id)
  }

  set(id: string, cursor: string): void {
    this.#cursors.set(id, cursor)
    this.#timer ??= setTimeout(() => this.save(), saveAfter)
  }

  remove(id: string): void {
    this.#cursors.delete(id)
    this.#timer ??= setTimeout(() => this.save(), saveAfter)
  }

  /** Forgets dynos that are gone. */
  keepOnly(ids: Set<string>): void {
    for (const id of this.#cursors.keys()) if (!ids.has(id)) this.remove(id)
  }

  save(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      writeFileSync(`${this.#path}.new`, JSON.stringify(Object.fromEntries(this.#cursors)), { mode: 0o600 })
      renameSync(`${this.#path}.new`, this.#path)
    } catch (error) {
      this.#log.warn({ err: error }, 'log cursors not saved; after a restart some lines may come twice')
    }
  }
}

function read(path: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>
  } catch (error) {
    const isNew = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (isNew || error instanceof SyntaxError) return {}
    throw error
  }
}
