import { isCode } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { LogLine } from '../model/app-log.ts'
import { formatLine, formatTime } from './line.ts'
import type { SegmentWriter } from './segment-writer.ts'

/** How long a line may wait for others to be written with it, milliseconds. */
const batchDelay = 25
/** Characters: of one write, of what one app may have waiting, and of what all may. */
const batchSize = 256 * 2 ** 10
const mostOfOne = 2 ** 20
const mostOfAll = 16 * 2 ** 20

/** What waits in all channels of a process, characters. */
export type Backlog = { size: number }

/**
 * One app's lines on their way to disk: held for a moment, written in batches, dropped and counted
 * when too many.
 */
export class Channel {
  readonly #file: Pick<SegmentWriter, 'append'>
  readonly #backlog: Backlog
  readonly #log: Logger
  #waiting: string[] = []
  #size = 0
  #lost: { count: number; since: Date; why: string } | undefined
  #timer: NodeJS.Timeout | undefined
  #draining: Promise<void> | undefined
  /** What waits is to be written now, not with what comes in the next moment. */
  #isDue = false
  #failing = false

  constructor(deps: { file: Pick<SegmentWriter, 'append'>; backlog: Backlog; log: Logger }) {
    this.#file = deps.file
    this.#backlog = deps.backlog
    this.#log = deps.log
  }

  push(line: LogLine): void {
    const entry = formatLine(line)
    if (this.#size + entry.length > mostOfOne || this.#backlog.size + entry.length > mostOfAll) {
      this.#lose(1, 'output buffer overflow')
    } else {
      this.#waiting.push(entry)
      this.#count(entry.length)
    }
    if (this.#size >= batchSize) void this.flush()
    else this.#timer ??= setTimeout(() => void this.flush(), batchDelay)
  }

  get idle(): boolean {
    return this.#timer === undefined && this.#draining === undefined
  }

  /** Resolves when all that was pushed before is written or counted as lost. Never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isDue = true
    this.#draining ??= this.#drain().finally(() => (this.#draining = undefined))
    return this.#draining
  }

  async #drain(): Promise<void> {
    while (this.#isDue && (this.#waiting.length > 0 || this.#lost)) {
      const batch = this.#takeBatch()
      this.#isDue = this.#waiting.length > 0
      try {
        await this.#file.append(batch.text)
        this.#failing = false
      } catch (cause) {
        this.#forgive(batch, cause)
        return
      }
    }
  }

  /** The first lines that wait, and after the last of them how many were lost. */
  #takeBatch(): { text: string; lines: number; lost: number } {
    let text = ''
    let lines = 0
    for (; lines < this.#waiting.length && text.length < batchSize; lines++) text += this.#waiting[lines]
    this.#waiting.splice(0, lines)
    this.#count(-text.length)
    const lost = this.#waiting.length === 0 ? this.#lost : undefined
    if (lost) {
      text += lostNotice(lost)
      this.#lost = undefined
    }
    return { text, lines, lost: lost?.count ?? 0 }
  }

  #forgive(batch: { lines: number; lost: number }, cause: unknown): void {
    const waiting = this.#waiting.length
    this.#count(-this.#size)
    this.#waiting = []
    // The app was removed while its lines were on their way: nobody is left to read them.
    if (isCode(cause, 'ENOENT')) return
    this.#lose(batch.lines + batch.lost + waiting, `log cannot be written: ${codeOf(cause)}`)
    if (!this.#failing) this.#log.warn({ err: cause }, 'app log cannot be written')
    this.#failing = true
  }

  #lose(count: number, why: string): void {
    this.#lost ??= { count: 0, since: new Date(), why }
    this.#lost.count += count
  }

  #count(change: number): void {
    this.#size += change
    this.#backlog.size += change
  }
}

/** Heroku's L10, with what was in the way. */
function lostNotice({ count, since, why }: { count: number; since: Date; why: string }): string {
  const text = `Error L10 (${why}): ${count} messages dropped since ${formatTime(since)}.`
  return formatLine({ time: new Date(), source: 'heroku', process: 'logplex', text })
}

/** The code alone: messages of the system hold paths, which are none of the app's business. */
function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'internal'
}
