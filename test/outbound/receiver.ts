import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttp, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Received = { headers: IncomingMessage['headers']; path: string; body: string }

/** Somebody's HTTP server on loopback. It keeps what it got, and answers with `answer`, or 204. */
export class HttpReceiver implements AsyncDisposable {
  readonly requests: Received[] = []
  answer: (response: ServerResponse, request: Received) => void = (response) => response.writeHead(204).end()
  readonly #server = createHttp(this.#take())

  static async start(port = 0): Promise<HttpReceiver> {
    const receiver = new HttpReceiver()
    receiver.#server.listen(port, '127.0.0.1')
    await once(receiver.#server, 'listening')
    return receiver
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** All bodies, one after the other. */
  get text(): string {
    return this.requests.map(({ body }) => body).join('')
  }

  #take(): RequestListener {
    return (request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      request.on('end', () => {
        const received = { headers: request.headers, path: request.url ?? '', body }
        this.requests.push(received)
        this.answer(response, received)
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    if (this.#server.listening) await once(this.#server, 'close')
  }
}

/** Somebody's server of lines, on TCP or TLS on loopback. */
export class StreamReceiver implements AsyncDisposable {
  text = ''
  readonly sockets: Socket[] = []
  readonly #server: Server

  private constructor(tls: { key: string; cert: string } | undefined, onSocket: (socket: Socket) => void) {
    const take = (socket: Socket): void => {
      this.sockets.push(socket.on('error', () => undefined))
      onSocket(socket)
    }
    this.#server = tls ? createTls(tls, take) : createTcp(take)
  }

  static async start({ tls, reads = true }: { tls?: { key: string; cert: string }; reads?: boolean } = {}) {
    const receiver: StreamReceiver = new StreamReceiver(tls, (socket) => {
      if (reads) socket.setEncoding('utf8').on('data', (chunk) => (receiver.text += String(chunk)))
      else socket.pause()
    })
    receiver.#server.listen(0, '127.0.0.1')
    await once(receiver.#server, 'listening')
    return receiver
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** A certificate for 127.0.0.1 that is its own authority. */
export function makeCertificate(): { key: string; cert: string; file: string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'paas-certificate-'))
  const [key, file] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  execFileSync('openssl', [...kind, ...subject, '-keyout', key, '-out', file], { stdio: 'ignore' })
  return {
    key: readFileSync(key, 'utf8'),
    cert: readFileSync(file, 'utf8'),
    file,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  }
}
