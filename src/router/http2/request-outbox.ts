import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import type { Field } from '../http/fields.ts'
import type { Framing } from '../http/framing.ts'
import type { MessageWriter } from '../http/message-writer.ts'
import { Outbox } from '../http/outbox.ts'
import type { ByteSource } from '../loans.ts'
import { asObject, orDestroy, readFieldLines } from './answer-head.ts'

type RequestOutboxEvents = {
  onOpen: (stream: ClientHttp2Stream) => void
  /** Nothing was sent. */
  onFailed: (reason: string) => void
}

/** Writes one request to an app that speaks HTTP/2. */
export class RequestOutbox implements MessageWriter {
  stream: ClientHttp2Stream | undefined
  readonly #session: () => ClientHttp2Session
  readonly #told: RequestOutboxEvents
  readonly #abort = new AbortController()
  #head = ''
  #data: Outbox<ClientHttp2Stream> | undefined
  #trailers: Field[] = []

  constructor(session: () => ClientHttp2Session, told: RequestOutboxEvents) {
    this.#session = session
    this.#told = told
  }

  get full(): boolean {
    return this.#data?.full === true
  }

  get sent(): boolean {
    return this.#data?.sent !== false
  }

  text(head: string): void {
    this.#head = head
  }

  body(_framing: Framing, data: Buffer, source: ByteSource): void {
    this.#open()
    this.#data?.data(data, source)
  }

  bodyEnd(_framing: Framing, trailers: Field[]): void {
    this.#open()
    this.#trailers = trailers
    this.#data?.flush()
    if (this.stream?.writable) this.stream.end()
  }

  flushSoon(): void {
    this.flush()
  }

  flush(): void {
    this.#open()
    this.#data?.flush()
  }

  /** Says that it is not needed any more, unless all is over. */
  abort(): void {
    this.#data?.drop()
    if (this.stream?.closed === false) this.#abort.abort()
  }

  #open(): void {
    const head = this.#head
    this.#head = ''
    if (head === '') return
    const stream = this.#request(head)
    if (typeof stream === 'string') return this.#told.onFailed(stream)
    stream.on('wantTrailers', () => this.#sendTrailers(stream))
    this.stream = stream
    this.#data = new Outbox(stream)
    this.#told.onOpen(stream)
  }

  /** @returns a string when it cannot be sent: the reason */
  #request(head: string): ClientHttp2Stream | string {
    const { fields, isWhole, isOpen } = readRequestHead(head)
    const options = { endStream: isWhole, waitForTrailers: isOpen, signal: this.#abort.signal }
    try {
      return this.#session().request(fields, options)
    } catch (cause) {
      return String(cause)
    }
  }

  #sendTrailers(stream: ClientHttp2Stream): void {
    const fields = asObject(this.#trailers.flatMap(({ key, value }) => [key, value]))
    orDestroy(stream, () => stream.sendTrailers(fields))
  }
}

/** @param text as HTTP/1.1 has it */
function readRequestHead(text: string): { fields: string[]; isWhole: boolean; isOpen: boolean } {
  const line = text.slice(0, text.indexOf('\r\n'))
  const [method = '', path = ''] = line.split(' ')
  const { fields, host, length, isOpen } = readFieldLines(text)
  const pseudo = [':method', method, ':scheme', 'http', ':authority', host, ':path', path]
  // What comes after a body is passed on.
  return { fields: [...pseudo, ...fields, 'te', 'trailers'], isWhole: !isOpen && !(Number(length) > 0), isOpen }
}
