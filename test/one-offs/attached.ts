import { connect, type Socket } from 'node:net'
import { decodeFrames, encodeAttachFrame, type AttachFrame, type ClientFrame } from '../../src/model/attach-frames.ts'
import { until } from '../helpers/app.ts'

/** A connection to the rendezvous socket: what the edge passes on from `heroku run`, or the api from `paas run`. */
export class Attached implements Disposable {
  readonly socket: Socket
  /** As they came. */
  readonly chunks: Buffer[] = []
  readonly closed: Promise<unknown>

  private constructor(socket: Socket) {
    this.socket = socket
    // Not `once`: a connection that was cut is closed as well.
    this.closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => undefined)
  }

  static async open(path: string, firstLine: string): Promise<Attached> {
    const socket = connect(path)
    const attached = new Attached(socket)
    await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), attached.closed])
    socket.write(firstLine)
    return attached
  }

  /** Begins to read. */
  read(): this {
    this.socket.on('data', (chunk) => this.chunks.push(chunk))
    return this
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString()
  }

  async shows(wanted: string): Promise<void> {
    await until(`${JSON.stringify(wanted)} in ${JSON.stringify(this.text)}`, async () => this.text.includes(wanted))
  }

  /** All of it, once the other side has closed. */
  async end(): Promise<string> {
    await this.closed
    return this.text
  }

  say(...frames: ClientFrame[]): void {
    for (const frame of frames) this.socket.write(encodeAttachFrame(frame))
  }

  /** Every frame until the connection ends, in place of `read`. */
  async frames(): Promise<AttachFrame[]> {
    return Array.fromAsync(decodeFrames(this.socket))
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

/** What the process wrote and how it ended, of all frames. */
export function outcome(frames: AttachFrame[]): { stdout: string; stderr: string; exit: number | undefined } {
  const all = (type: 'stdout' | 'stderr'): string =>
    Buffer.concat(frames.flatMap((frame) => (frame.type === type ? [frame.data] : []))).toString()
  const last = frames.findLast((frame) => frame.type === 'exit')
  return { stdout: all('stdout'), stderr: all('stderr'), exit: last?.code }
}
