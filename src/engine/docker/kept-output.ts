import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import type { OutputLine } from '../engine.ts'
import { unlessMissing } from './client.ts'
import { readFrames } from './frames.ts'
import { LineJoiner } from './line-joiner.ts'

type Reading = {
  /** How many of the last messages to begin with. */
  tail: number | 'all'
  follow: boolean
  /** Nothing comes any more: a line without end is one too. */
  atEnd?: boolean
}

/** What the engine keeps of a dyno's output. */
export class KeptOutput {
  readonly #container: Docker.Container
  readonly #signal: AbortSignal
  #isGone = false

  constructor(container: Docker.Container, signal: AbortSignal) {
    this.#container = container
    this.#signal = signal
  }

  /** Whether a reading found that the dyno was removed. */
  get isGone(): boolean {
    return this.#isGone
  }

  /**
   * Without `follow`, what the log holds at this moment: the engine opens its files at once, so
   * they stay whatever is written meanwhile. Never with `since`: the engine would leave out all
   * lines after a clock was set back. Ends early at `stop`.
   */
  async *lines({ tail, follow, atEnd }: Reading, stop?: AbortSignal): AsyncGenerator<OutputLine> {
    const source = await this.#open({ stdout: true, stderr: true, timestamps: true, follow, tail })
    if (!source) return
    const signals = [this.#signal, ...(stop ? [stop] : [])]
    const cutter = new LineJoiner()
    const hangUp = () => source.destroy()
    for (const signal of signals) signal.addEventListener('abort', hangUp)
    try {
      for await (const frame of readFrames(source)) yield* cutter.push(frame)
      if (atEnd) yield* cutter.finish()
    } catch (cause) {
      this.#signal.throwIfAborted()
      if (stop?.aborted) return
      throw new PaasError('engine_unavailable', 'The connection to Docker broke while output was read.', { cause })
    } finally {
      for (const signal of signals) signal.removeEventListener('abort', hangUp)
      source.destroy()
    }
  }

  /**
   * `follow: true` outside the query only tells dockerode to give a stream instead of collecting
   * the whole log.
   */
  async #open(query: object): Promise<Readable | undefined> {
    const options = { follow: true, _query: query, abortSignal: this.#signal } as const
    const source = (await unlessMissing(this.#container.logs(options))) as unknown as Readable | undefined
    this.#isGone = source === undefined
    return source
  }
}
