import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'

/** Sends bytes as they are and reads what comes back, as latin1. */
export class RawClient implements Disposable {
  readonly socket: Socket
  received = ''
  closed = false
  #wake = Promise.withResolvers<void>()

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('error', () => socket.destroy())
    socket.on('data', (data: string) => {
      this.received += data
      this.#news()
    })
    socket.on('close', () => {
      this.closed = true
      this.#news()
    })
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  /** With TLS; its handshake is done. The certificate is not looked at unless `options` say so. */
  static async connectTls(port: number, options: ConnectionOptions = {}): Promise<RawClient> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    await once(socket, 'secureConnect')
    return new RawClient(socket)
  }

  send(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  /** Resolves with all that came as soon as it matches. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received)) await this.#more(pattern)
    return this.received
  }

  /** Resolves when `text` has come `count` times. */
  async untilCount(text: string, count: number): Promise<void> {
    while (this.received.split(text).length <= count) await this.#more(text)
  }

  async #more(expected: string | RegExp): Promise<void> {
    if (this.closed) throw new Error(`closed before ${expected}: ${this.received}`)
    await this.#wake.promise
  }

  #news(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }

  /** Resolves with all that came when the other side has closed. */
  async untilClosed(): Promise<string> {
    if (!this.closed) await once(this.socket, 'close')
    return this.received
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

/** Sends `text` on a connection of its own; gives all that came until the other side closed. */
export async function talk(port: number, text: string): Promise<string> {
  using client = await RawClient.connect(port)
  return await client.send(text).untilClosed()
}

/** The status of the first response in `text`. */
export function statusOf(text: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1])
}

/** Resolves when `read` gives the same before and after the router at `port` has answered many others. */
export async function settled(read: () => number, port: number): Promise<void> {
  for (let last = -1; last !== read();) {
    last = read()
    for (let n = 0; n < 100; n++) await talk(port, 'GET / HTTP/1.1\r\nHost: nobody.test\r\nConnection: close\r\n\r\n')
  }
}
