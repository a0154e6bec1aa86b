import { closeSync, fstatSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import type { Logger } from '../log.ts'
import { hasBegun, hasEnded, outputFiles, type OutputFiles } from './files.ts'
import type { OutputId, OutputWriter, OutputWriters } from '../model/output.ts'
import { connectRedis, keysOf, type Redis, type RedisDeps } from '../redis.ts'

/** A stream keeps this many of the latest pieces; who comes later has the file. */
const streamLength = 2000
/**
 * Bytes. A larger piece is announced without its text, so that Redis holds 32 MiB of a build at
 * most.
 */
const largestPiece = 16 * 1024
/** Milliseconds until an end that the disk did not take is tried again. */
const markAgainAfter = 2000
/** Seconds for which Redis keeps the stream of a build that fell silent. */
const streamLife = 3600

export function openOutputWriters(deps: RedisDeps & { directory: string }): OutputWriters {
  const { redis, serverId, directory, log } = deps
  mkdirSync(directory, { recursive: true, mode: 0o770 })
  const keys = keysOf(serverId)
  // Nothing is kept in memory while Redis is away; readers find those lines in the file.
  const connection = connectRedis({ redis, log }, { enableOfflineQueue: false, maxRetriesPerRequest: 0 })
  const open = (id: OutputId): OutputWriter =>
    new FileWriter({ files: outputFiles(directory, id), key: keys.output(id), connection, log })

  const close = async (id: OutputId, lastWords?: string): Promise<void> => {
    if (hasEnded(outputFiles(directory, id))) return
    await using writer = open(id)
    if (lastWords) writer.write(lastWords)
    await writer.end()
  }

  return {
    open,
    close,
    closeBegun: async (id) => {
      if (hasBegun(outputFiles(directory, id))) await close(id)
    },
    [Symbol.asyncDispose]: async () => connection.disconnect(),
  }
}

class FileWriter implements OutputWriter {
  readonly isContinued: boolean
  readonly #files: OutputFiles
  readonly #key: string
  readonly #connection: Redis
  readonly #log: Logger
  #descriptor: number | undefined
  #position = 0
  #pending: string[] = []
  #closed = false

  constructor(output: { files: OutputFiles; key: string; connection: Redis; log: Logger }) {
    this.#files = output.files
    this.#key = output.key
    this.#connection = output.connection
    this.#log = output.log
    this.#trying(() => this.#open())
    this.isContinued = this.#position > 0
  }

  /** What is written in one turn of the event loop becomes one piece. */
  write(chunk: string): void {
    if (this.#closed || chunk === '') return
    if (this.#pending.length === 0) setImmediate(() => this.#flush())
    this.#pending.push(chunk)
  }

  async end(): Promise<void> {
    this.#flush()
    this.#close()
    await this.#markEnd()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#flush()
    this.#close()
  }

  #flush(): void {
    if (this.#closed || this.#pending.length === 0) return
    const text = this.#pending.join('')
    this.#pending = []
    const offset = this.#position
    const isWhole = this.#trying(() => this.#append(Buffer.from(text)))
    // A full disk may have taken only the beginning of it; readers get that much.
    void this.#announce(text.length > largestPiece || !isWhole ? { offset } : { offset, text })
  }

  #append(bytes: Buffer): void {
    const descriptor = this.#open()
    for (let written = 0, count = 0; written < bytes.length; written += count) {
      count = writeSync(descriptor, bytes, written)
      this.#position += count
    }
  }

  #open(): number {
    if (this.#descriptor !== undefined) return this.#descriptor
    this.#descriptor = openSync(this.#files.log, 'a', 0o660)
    this.#position = fstatSync(this.#descriptor).size
    return this.#descriptor
  }

  /** What the disk does not take is lost; the work that it tells of continues. */
  #trying(work: () => void): boolean {
    try {
      work()
      return true
    } catch (error) {
      this.#log.error({ err: error, file: this.#files.log }, 'build output lost')
      return false
    }
  }

  /** Its readers wait for it, and nobody else: the build has its verdict. */
  async #markEnd(): Promise<void> {
    try {
      writeFileSync(this.#files.end, '', { mode: 0o660 })
    } catch (error) {
      this.#log.error({ err: error, file: this.#files.end }, 'end of build output not marked; tried again')
      setTimeout(() => void this.#markEnd(), markAgainAfter).unref()
      return
    }
    await this.#announce({ offset: this.#position, end: true })
  }

  /**
   * Redis is told after the file has it, so that a reader who is woken finds it there. Losing Redis
   * loses nothing.
   */
  async #announce(piece: { offset: number; text?: string; end?: boolean }): Promise<void> {
    const fields = ['offset', piece.offset, 'text', piece.text ?? '', 'end', piece.end ? 1 : 0]
    await this.#connection
      .pipeline()
      .xadd(this.#key, 'MAXLEN', '~', streamLength, '*', ...fields)
      .expire(this.#key, streamLife)
      .exec()
      .catch((error: Error) => this.#log.debug({ error: error.message }, 'build output not announced'))
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
  }
}
