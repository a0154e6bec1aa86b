import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { OutputId } from '../model/output.ts'
import { connectRedis, keysOf, type Redis, type RedisDeps } from '../redis.ts'

/** A piece of output as Redis carries it; without `text`, read it from the file. */
export type Piece = { offset: number; text: string; end: boolean }

type Stream = { lastId: string; listeners: Set<(piece: Piece) => void> }

/** Milliseconds one XREAD blocks, so that a dead connection is noticed. */
const blockFor = 10_000
/** Milliseconds between attempts while Redis is away; readers look at the file meanwhile. */
const retryAfter = 250

/**
 * Follows the streams of all builds that this process watches, over two connections however many
 * watch: one blocks in XREAD, the other wakes it when the set of builds changes.
 */
export class OutputFollower implements AsyncDisposable {
  readonly #keys: ReturnType<typeof keysOf>
  readonly #wakeKey: string
  readonly #commands: Redis
  readonly #blocking: Redis
  readonly #streams = new Map<string, Stream>()
  #wakeId = '0-0'
  #running = false
  #closed = false

  constructor({ redis, serverId, log }: RedisDeps) {
    this.#keys = keysOf(serverId)
    this.#wakeKey = this.#keys.wake(randomUUID())
    const options = { lazyConnect: true, maxRetriesPerRequest: 1, autoResendUnfulfilledCommands: false }
    this.#commands = connectRedis({ redis, log }, options)
    this.#blocking = connectRedis({ redis, log }, options)
  }

  /**
   * Calls `listener` with what the build's stream still has and with every piece written from now
   * on, until disposed of. While Redis is away nothing is called; what was missed then is in the
   * file.
   */
  follow(buildId: OutputId, listener: (piece: Piece) => void): Disposable {
    const key = this.#keys.output(buildId)
    const stream = this.#streams.get(key) ?? this.#add(key)
    stream.listeners.add(listener)
    return {
      [Symbol.dispose]: () => {
        stream.listeners.delete(listener)
        if (stream.listeners.size === 0 && this.#streams.get(key) === stream) this.#streams.delete(key)
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#commands.disconnect()
    this.#blocking.disconnect()
  }

  #add(key: string): Stream {
    const stream: Stream = { lastId: '0-0', listeners: new Set() }
    this.#streams.set(key, stream)
    if (this.#running) this.#wake()
    else void this.#run()
    return stream
  }

  #wake(): void {
    this.#commands
      .pipeline()
      .xadd(this.#wakeKey, 'MAXLEN', 1, '*', 'wake', 1)
      .expire(this.#wakeKey, 60)
      .exec()
      // Without Redis the XREAD fails too, and is repeated with the new streams.
      .catch(() => undefined)
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#streams.size > 0 && !this.#closed) {
      try {
        await this.#readOnce()
      } catch {
        if (!this.#closed) await delay(retryAfter)
      }
    }
    this.#running = false
  }

  async #readOnce(): Promise<void> {
    const streams = [...this.#streams]
    const keys = [this.#wakeKey, ...streams.map(([key]) => key)]
    const ids = [this.#wakeId, ...streams.map(([, stream]) => stream.lastId)]
    const replies = await this.#blocking.xread('COUNT', 500, 'BLOCK', blockFor, 'STREAMS', ...keys, ...ids)
    for (const [key, entries] of replies ?? []) {
      for (const [id, fields] of entries) this.#deliver(key, id, fields)
    }
  }

  #deliver(key: string, id: string, fields: string[]): void {
    if (key === this.#wakeKey) {
      this.#wakeId = id
      return
    }
    const stream = this.#streams.get(key)
    if (!stream) return
    stream.lastId = id
    const [, offset, , text, , end] = fields
    for (const listener of stream.listeners) listener({ offset: Number(offset), text: text ?? '', end: end === '1' })
  }
}
