import { once } from 'node:events'
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2'
import { text } from 'node:stream/consumers'

export type Http2Answer = { status: number; headers: IncomingHttpHeaders; body: string; trailers: IncomingHttpHeaders }

/** Node's own client, which does not look at the certificate. */
export class Http2Client implements Disposable {
  readonly session: ClientHttp2Session

  constructor(session: ClientHttp2Session) {
    this.session = session
    session.on('error', () => session.destroy())
  }

  /** @param servername in the handshake; without one it names no host */
  static async connect(port: number, servername?: string): Promise<Http2Client> {
    const options = { rejectUnauthorized: false, ...(servername !== undefined && { servername }) }
    const session = connect(`https://127.0.0.1:${port}`, options)
    const client = new Http2Client(session)
    await once(session, 'remoteSettings')
    return client
  }

  open(fields: Record<string, string | string[]> = {}, hasBody = false): ClientHttp2Stream {
    const head = { ':path': '/', ':authority': 'app.test', ...fields }
    const stream = this.session.request(head, { endStream: !hasBody })
    stream.on('error', () => stream.destroy())
    return stream
  }

  async ask(fields: Record<string, string | string[]> = {}, body?: string | Buffer): Promise<Http2Answer> {
    const stream = this.open(fields, body !== undefined)
    if (body !== undefined) stream.end(body)
    return answerOf(stream)
  }

  [Symbol.dispose](): void {
    this.session.destroy()
  }
}

export async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  let trailers: IncomingHttpHeaders = {}
  stream.on('trailers', (fields) => (trailers = fields))
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  return { status: Number(headers[':status']), headers, body: await text(stream), trailers }
}
