import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

export type Frame = { type: number; flags: number; stream: number; payload: Buffer }

/** RFC 9113 section 6. */
export const frames = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const
export const endStream = 1
export const endHeaders = 4
/** RFC 9113 section 7. */
export const codes = { none: 0, protocol: 1, internal: 2, flowControl: 3, refused: 7, cancel: 8, calm: 11 }

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** Speaks HTTP/2 in frames of the test's choice. */
export class FrameClient implements Disposable {
  readonly socket: TLSSocket
  readonly received: Frame[] = []
  closed = false
  #bytes = Buffer.alloc(0)
  #wake = Promise.withResolvers<void>()

  constructor(socket: TLSSocket) {
    this.socket = socket
    socket.on('error', () => socket.destroy())
    socket.on('data', (data: Buffer) => this.#take(data))
    socket.on('close', () => {
      this.closed = true
      this.#news()
    })
  }

  /** The prefaces are exchanged, with `settings` as the client's. */
  static async connect(port: number, settings: Buffer = Buffer.alloc(0)): Promise<FrameClient> {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    await once(socket, 'secureConnect')
    const client = new FrameClient(socket)
    socket.write(preface)
    client.send(frames.settings, 0, 0, settings)
    await client.until(({ type, flags }) => type === frames.settings && flags === 1)
    client.send(frames.settings, 1, 0)
    return client
  }

  send(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): this {
    if (!this.socket.destroyed) this.socket.write(frame(type, flags, stream, payload))
    return this
  }

  /** Sends the head of a GET. */
  ask(stream: number, flags = endHeaders | endStream): this {
    return this.send(frames.headers, flags, stream, fields(getOf('app.test')))
  }

  /** Resolves with the first frame that is so. */
  async until(isIt: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.received.find(isIt)
      if (found !== undefined) return found
      if (this.closed) throw new Error(`closed after ${JSON.stringify(this.received.map(({ type }) => type))}`)
      await this.#wake.promise
    }
  }

  /** Resolves with the code of the word by which the other side ended the connection. */
  async goneWith(): Promise<number | undefined> {
    while (!this.closed) await this.#wake.promise
    return this.received.findLast(({ type }) => type === frames.goAway)?.payload.readUInt32BE(4)
  }

  #take(data: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, data])
    while (this.#bytes.length >= 9) {
      const end = 9 + this.#bytes.readUIntBE(0, 3)
      if (this.#bytes.length < end) break
      const [type, flags] = [this.#bytes[3]!, this.#bytes[4]!]
      this.received.push({ type, flags, stream: this.#bytes.readUInt32BE(5), payload: this.#bytes.subarray(9, end) })
      this.#bytes = this.#bytes.subarray(end)
    }
    this.#news()
  }

  #news(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Of a GET. */
export function getOf(host: string): [string, string][] {
  return [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/'],
    [':authority', host],
  ]
}

/** Fields as literals without a table: RFC 7541 section 6.2.2. */
export function fields(list: [string, string][]): Buffer {
  return Buffer.concat(list.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
}

function text(value: string): Buffer {
  return Buffer.concat([length(value.length), Buffer.from(value, 'latin1')])
}

/** RFC 7541 section 5.1, with a prefix of seven bits. */
function length(size: number): Buffer {
  if (size < 127) return Buffer.from([size])
  const bytes = [127]
  let rest = size - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}
