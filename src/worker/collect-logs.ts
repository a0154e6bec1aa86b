import type { Dyno, Engine } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import type { AppId } from '../model/ids.ts'
import type { AppLogWriter, LogLine } from '../model/app-log.ts'
import { formatTime } from '../logs/line.ts'
import type { LogCursors } from './log-cursors.ts'

type CollectDeps = {
  engine: Pick<Engine, 'dynoOutput'>
  logs: Pick<AppLogWriter, 'write'>
  cursors: LogCursors
  log: Logger
}

/**
 * Copies what every dyno prints into its app's log, each line once, also across restarts of this
 * process.
 */
export class LogCollector implements AsyncDisposable {
  readonly #deps: CollectDeps
  readonly #stopping = new AbortController()
  readonly #collecting = new Map<string, Promise<void>>()

  constructor(deps: CollectDeps) {
    this.#deps = deps
  }

  /** Follows the dyno until it is gone. Nothing happens if that is in progress. */
  follow(dyno: Pick<Dyno, 'id' | 'appId' | 'name'>): void {
    if (this.#collecting.has(dyno.id) || this.#stopping.signal.aborted) return
    const work = this.#collect(dyno).finally(() => this.#collecting.delete(dyno.id))
    this.#collecting.set(dyno.id, work)
  }

  /** Follows these, and forgets how far others were followed: they are gone. */
  followAll(dynos: Dyno[], services: { id: string; appId: AppId; process: string }[] = []): void {
    this.#deps.cursors.keepOnly(new Set([...dynos, ...services].map(({ id }) => id)))
    for (const dyno of dynos) if (!dyno.attached) this.follow(dyno)
    for (const { id, appId, process } of services) this.follow({ id, appId, name: process })
  }

  /** Resolves when all that a dyno which has ended printed is in the log. */
  async finished(id: string): Promise<void> {
    await this.#collecting.get(id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#collecting.values())
    this.#deps.cursors.save()
  }

  async #collect({ id, appId, name }: Pick<Dyno, 'id' | 'appId' | 'name'>): Promise<void> {
    const { engine, logs, cursors, log } = this.#deps
    const { signal } = this.#stopping
    const since = cursors.get(id)
    const onLoss = (since: Date) => logs.write(appId, lossNotice(name, since))
    try {
      const lines = engine.dynoOutput(id, { follow: true, onLoss, ...(since !== undefined && { since }) }, signal)
      for await (const { time, cursor, text } of lines) {
        logs.write(appId, { time, source: 'app', process: name, text: text.toString() })
        cursors.set(id, cursor)
      }
      cursors.remove(id)
    } catch (error) {
      if (!signal.aborted) log.warn({ app: appId, dyno: name, err: error }, "a dyno's output broke off")
    }
  }
}

/** Heroku's L10, of what nobody could count. */
function lossNotice(dyno: string, since: Date): LogLine {
  const text = `Error L10 (output buffer overflow): an unknown number of messages of ${dyno} dropped since ${formatTime(since)}.`
  return { time: new Date(), source: 'heroku', process: 'logplex', text }
}
