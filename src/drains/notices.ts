import type { AppLogWriter } from '../model/app-log.ts'
import { formatTime } from '../logs/line.ts'
import { nameOf, type Drain } from '../model/drain.ts'

/**
 * Milliseconds between two lines about drops, and between two about a drain that fails: they go
 * through the drain themselves.
 */
const pace = { drops: 10_000, failure: 600_000 }

/** Tells in the app's log what a drain did not take. */
export class Notices implements Disposable {
  readonly #logs: Pick<AppLogWriter, 'write'>
  readonly #drain: Drain
  #lost: { count: number; since: Date } | undefined
  #timer: NodeJS.Timeout | undefined
  #why = ''
  #told = -Infinity

  constructor(logs: Pick<AppLogWriter, 'write'>, drain: Drain) {
    this.#logs = logs
    this.#drain = drain
  }

  dropped(count: number): void {
    this.#lost ??= { count: 0, since: new Date() }
    this.#lost.count += count
    this.#timer ??= setTimeout(() => this.#tellDrops(), pace.drops)
  }

  /** @param why a sentence's end: `connect ECONNREFUSED 192.0.2.1:514` */
  failed(why: string): void {
    this.#why = why
    if (performance.now() - this.#told < pace.failure) return
    this.#told = performance.now()
    this.#write(`The drain ${nameOf(this.#drain)} does not accept lines: ${why}. Retrying.`)
  }

  delivered(): void {
    this.#why = ''
  }

  #tellDrops(): void {
    this.#timer = undefined
    const lost = this.#lost
    this.#lost = undefined
    if (!lost) return
    const { count, since } = lost
    const why = this.#why || 'it is slower than the log'
    this.#write(
      `Error L10 (output buffer overflow): ${count} messages dropped since ${formatTime(since)}. ` +
        `The drain ${nameOf(this.#drain)} does not keep up: ${why}.`,
    )
  }

  #write(text: string): void {
    this.#logs.write(this.#drain.appId, { time: new Date(), source: 'heroku', process: 'logplex', text })
  }

  /** Tells what is still untold. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#tellDrops()
  }
}
