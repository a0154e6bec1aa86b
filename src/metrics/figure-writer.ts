import { isCode } from '../errors.ts'
import type { FigureEntry } from '../model/figures.ts'
import { appendFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Logger } from '../log.ts'
import type { AppId } from '../model/ids.ts'
import { figureFile } from './figure-files.ts'

/** Characters that may wait for a disk that is slow or full. */
const mostWaiting = 2 ** 20

type Waiting = { path: string; line: string }

/** Appends figures to the files of their apps, in the background. */
export class FigureWriter implements AsyncDisposable {
  readonly #directory: string
  readonly #log: Logger
  readonly #waiting: Waiting[] = []
  #size = 0
  #draining: Promise<void> | undefined
  #failing = false
  /** Lines lost since the start, because they could not be written for too long. */
  dropped = 0

  /** @param directory `paths.metrics` */
  constructor({ directory, log }: { directory: string; log: Logger }) {
    this.#directory = directory
    this.#log = log
  }

  /**
   * Never waits and never throws. What cannot be written now is tried again with the next; beyond 1
   * MiB the oldest are lost.
   */
  write(appId: AppId, entry: FigureEntry): void {
    // The newline comes first: a line that a power cut tore does not spoil the next one.
    const line = `\n${JSON.stringify(entry)}`
    this.#waiting.push({ path: figureFile(this.#directory, appId, entry.minute), line })
    this.#size += line.length
    while (this.#size > mostWaiting) {
      this.#size -= this.#waiting.shift()!.line.length
      this.dropped++
    }
    this.#drain()
  }

  /** What still waits gets one more try. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#draining
    this.#drain()
    await this.#draining
  }

  #drain(): void {
    this.#draining ??= this.#writeAll().finally(() => (this.#draining = undefined))
  }

  async #writeAll(): Promise<void> {
    try {
      for (let next = this.#take(); next; next = this.#take()) await this.#append(next)
      this.#failing = false
    } catch (cause) {
      if (!this.#failing) this.#log.warn({ err: cause }, 'figures cannot be written')
      this.#failing = true
    }
  }

  #take(): Waiting | undefined {
    const next = this.#waiting.shift()
    if (next) this.#size -= next.line.length
    return next
  }

  async #append(waiting: Waiting): Promise<void> {
    try {
      await append(waiting)
    } catch (cause) {
      this.#waiting.unshift(waiting)
      this.#size += waiting.line.length
      throw cause
    }
  }
}

async function append({ path, line }: Waiting): Promise<void> {
  const options = { mode: 0o660 }
  try {
    await appendFile(path, line, options)
  } catch (cause) {
    if (!isCode(cause, 'ENOENT')) throw cause
    await mkdir(dirname(path), { recursive: true, mode: 0o770 })
    await appendFile(path, line, options)
  }
}
