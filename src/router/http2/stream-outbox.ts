import type { ServerHttp2Stream } from 'node:http2'
import type { Field } from '../http/fields.ts'
import type { Framing } from '../http/framing.ts'
import type { MessageWriter } from '../http/message-writer.ts'
import { Outbox } from '../http/outbox.ts'
import type { ByteSource } from '../loans.ts'
import { asObject, orDestroy, readAnswerHead, type StreamHead } from './answer-head.ts'

/** Writes one answer to its stream. The head waits for what comes with it in the same turn. */
export class StreamOutbox implements MessageWriter {
  /** For what is not the head. */
  readonly data: Outbox<ServerHttp2Stream>
  isTunnel = false
  readonly #stream: ServerHttp2Stream
  #head: StreamHead | undefined
  #trailers: Field[] = []
  #isEnded = false
  #hasBody = false

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream
    this.data = new Outbox(stream)
  }

  get full(): boolean {
    return this.data.full
  }

  get sent(): boolean {
    return this.data.sent
  }

  text(text: string): void {
    const end = text.indexOf('\r\n\r\n')
    const head = readAnswerHead(text.slice(0, end), this.isTunnel)
    if (head.status < 200) return this.#inform(head)
    this.#head = head
    if (end + 4 < text.length) this.#add(() => this.data.text(text.slice(end + 4)))
  }

  body(_framing: Framing, data: Buffer, source: ByteSource): void {
    this.#add(() => this.data.data(data, source))
  }

  bodyEnd(_framing: Framing, trailers: Field[]): void {
    this.#trailers = trailers
    this.#isEnded = true
    const endStream = !this.#hasBody && trailers.length === 0 && this.#head !== undefined
    this.#respond(endStream)
    this.data.flush()
    if (!endStream && !this.#stream.destroyed) this.#stream.end()
  }

  flushSoon(): void {
    this.flush()
  }

  flush(): void {
    this.#respond(false)
    this.data.flush()
  }

  #add(write: () => void): void {
    this.#hasBody = true
    write()
  }

  /** RFC 9110 section 15.2. */
  #inform({ status, fields }: StreamHead): void {
    const stream = this.#stream
    if (stream.headersSent) return
    orDestroy(stream, () => stream.additionalHeaders({ ':status': status, ...asObject(fields) }))
  }

  #respond(endStream: boolean): void {
    const [stream, head] = [this.#stream, this.#head]
    this.#head = undefined
    if (head === undefined) return
    const waitForTrailers = head.isOpen && !(this.#isEnded && this.#trailers.length === 0)
    if (waitForTrailers) stream.once('wantTrailers', () => this.#sendTrailers())
    const fields = [':status', String(head.status), ...head.fields]
    orDestroy(stream, () => stream.respond(fields, { endStream, waitForTrailers }))
  }

  #sendTrailers(): void {
    const fields = asObject(this.#trailers.flatMap(({ key, value }) => [key, value]))
    orDestroy(this.#stream, () => this.#stream.sendTrailers(fields))
  }
}
