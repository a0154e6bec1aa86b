import { PassThrough } from 'node:stream'
import type { BaseName } from '../toolbox.ts'

/** How a builder's work ended: `builder/build` says what each means. */
export type BuilderVerdict =
  | { kind: 'image' }
  | { kind: 'failed' }
  | { kind: 'forbidden' }
  | { kind: 'base'; name: BaseName }
  /** It ended without a word. */
  | { kind: 'none' }

const longestLine = 100

/**
 * Reads what a builder says on its standard error: a line, then a tar or a reason. The build's own
 * code may have forged any of it.
 */
export class VerdictReader {
  readonly verdict: Promise<BuilderVerdict>
  /** What follows the line; not held in memory. */
  readonly rest = new PassThrough({ highWaterMark: 2 ** 20 })
  readonly #settle: (verdict: BuilderVerdict) => void
  #pending: Buffer | undefined = Buffer.alloc(0)
  #onDrain = () => {}

  constructor() {
    const { promise, resolve } = Promise.withResolvers<BuilderVerdict>()
    this.verdict = promise
    this.#settle = resolve
    this.rest.on('error', () => undefined)
    this.rest.on('drain', () => this.#onDrain()).on('close', () => this.#onDrain())
  }

  /** @returns when more can be taken */
  feed(chunk: Buffer): Promise<void> | void {
    if (this.#pending === undefined) return this.#pass(chunk)
    this.#pending = Buffer.concat([this.#pending, chunk])
    const end = this.#pending.indexOf('\n')
    if (end < 0 && this.#pending.length < longestLine) return
    this.#settle(parse(this.#pending.toString('utf8', 0, Math.max(end, 0))))
    const rest = this.#pending.subarray(end + 1)
    this.#pending = undefined
    return this.#pass(rest)
  }

  /** All has been said. @param error why not all of it was */
  end(error?: Error): void {
    this.#settle({ kind: 'none' })
    if (error) this.rest.destroy(error)
    else this.rest.end()
  }

  #pass(chunk: Buffer): Promise<void> | void {
    if (this.rest.destroyed || this.rest.write(chunk)) return
    return new Promise((settle) => (this.#onDrain = settle))
  }
}

function parse(line: string): BuilderVerdict {
  const [kind, name] = line.split(' ')
  if (kind === 'base' && (name === 'run' || name === 'node' || name === 'build')) return { kind, name }
  return kind === 'image' || kind === 'failed' || kind === 'forbidden' ? { kind } : { kind: 'none' }
}
