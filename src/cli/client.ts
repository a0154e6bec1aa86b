import type { IncomingMessage, RequestOptions } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { catalogue } from '../errors-catalogue.ts'
import { PaasError, type ErrorCode } from '../errors.ts'
import { attachProtocol } from '../model/attach-frames.ts'
import { note } from './output.ts'
import type { Server } from './server.ts'

/** How long the server may take to begin an answer, milliseconds. */
const patience = 60_000

type Call = {
  method?: string
  body?: unknown
  headers?: Record<string, string>
  basic?: { user: string; password: string }
}

/**
 * The Platform API of one server. Every call throws a PaasError whose message is fit for the user.
 */
export class Client {
  readonly server: Server

  constructor(server: Server) {
    this.server = server
  }

  /**
   * All there is at a path: of a list that the server gives in parts, every part.
   * @param range asks for one part alone, such as `version ..; order=desc,max=10`
   */
  async get<T>(path: string, range?: string): Promise<T> {
    if (range !== undefined) return this.call<T>(path, { headers: { range } })
    const parts = await Array.fromAsync(this.parts<T>(path))
    return parts.length === 1 ? parts[0]! : (parts.flat() as T)
  }

  /**
   * A list part by part: each answer that is not the last one says in Next-Range how to ask for the
   * next (Heroku's Platform API, "Ranges").
   * @param range says where it begins and in which order
   */
  async *parts<T>(path: string, range?: string): AsyncGenerator<T> {
    for (let next = range, more = true; more;) {
      const response = await this.#send(path, next === undefined ? {} : { headers: { range: next } })
      yield await this.#json<T>(response)
      next = response.headers['next-range'] as string | undefined
      more = next !== undefined
    }
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.call<T>(path, { method: 'POST', body })
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.call<T>(path, { method: 'PATCH', body })
  }

  delete<T>(path: string): Promise<T> {
    return this.call<T>(path, { method: 'DELETE' })
  }

  async call<T>(path: string, call: Call): Promise<T> {
    return this.#json<T>(await this.#send(path, call))
  }

  /**
   * The body of an answer as it comes. `url` may be the server's own public URL for it: the path is
   * what counts.
   */
  async stream(url: string, headers: Record<string, string>): Promise<IncomingMessage> {
    const { pathname, search } = new URL(url, this.server.url)
    return this.#send(`${pathname}${search}`, { headers })
  }

  /**
   * The connection to a one-off dyno, given the token of its `attach_url`; frames go both ways on
   * it.
   * @param size of the terminal, `80x24`; empty: no terminal
   */
  async upgrade(token: string, size: string): Promise<Socket> {
    const { url } = this.server
    const { promise, resolve, reject } = Promise.withResolvers<Socket>()
    const headers = {
      connection: 'Upgrade',
      upgrade: attachProtocol,
      authorization: `Bearer ${token}`,
      'user-agent': 'paas',
      ...(size === '' ? {} : { 'terminal-size': size }),
    }
    const target = new URL('/attach', url)
    const outgoing = requester(target.protocol)(target, { headers, ...loopback(target) })
    outgoing.on('upgrade', (_response, socket: Socket, head) => {
      socket.unshift(head)
      resolve(socket)
    })
    outgoing.on('response', (response) => {
      response.resume()
      reject(new PaasError('server_unreachable', `The server ${url} answered with status ${response.statusCode}.`))
    })
    outgoing.on('error', (cause) => reject(unreachable(url, cause)))
    outgoing.end()
    return promise
  }

  /** Sends bytes to an address of the server's that is its own secret. */
  async upload(url: string, bytes: Readable): Promise<void> {
    const { pathname } = new URL(url, this.server.url)
    const response = await connect(new URL(pathname, this.server.url), bytes, { method: 'PUT' })
    const text = await readText(response, this.server.url)
    if (response.statusCode !== 200) throw refusal(response.statusCode ?? 0, text, this.server.url)
  }

  /** Sends bytes as the body of a call. */
  async put<T>(path: string, bytes: Readable): Promise<T> {
    const headers = { 'user-agent': 'paas', ...authorization(this.server, undefined) }
    const response = await connect(new URL(path, this.server.url), bytes, { method: 'PUT', headers })
    const text = await readText(response, this.server.url)
    if (response.statusCode !== 200) throw refusal(response.statusCode ?? 0, text, this.server.url)
    return parseJson(text, this.server.url) as T
  }

  async #json<T>(response: IncomingMessage): Promise<T> {
    const text = await readText(response, this.server.url)
    // The shapes are the Platform API's; a test holds the server to its schema.
    return (text === '' ? undefined : parseJson(text, this.server.url)) as T
  }

  async #send(path: string, { method = 'GET', body, headers = {}, basic }: Call): Promise<IncomingMessage> {
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const response = await connect(new URL(path, this.server.url), payload, {
      method,
      headers: {
        accept: 'application/vnd.heroku+json; version=3',
        'user-agent': 'paas',
        ...authorization(this.server, basic),
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
        ...headers,
      },
    })
    const status = response.statusCode ?? 0
    const warning = /^199 \S+ "(.*)"$/.exec(response.headers['warning'] ?? '')?.[1]
    if (warning) note(warning)
    if (status >= 200 && status < 300) return response
    throw refusal(status, await readText(response, this.server.url), this.server.url, method)
  }
}

function authorization({ token }: Server, basic: Call['basic']): Record<string, string> {
  if (basic) return { authorization: `Basic ${Buffer.from(`${basic.user}:${basic.password}`).toString('base64')}` }
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

function connect(url: URL, payload: string | Readable | undefined, options: RequestOptions): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const outgoing = requester(url.protocol)(url, { ...options, ...loopback(url) })
  outgoing.setTimeout(patience, () => outgoing.destroy(new Error(`no answer within ${patience / 1000} s`)))
  outgoing.on('response', (response) => {
    outgoing.setTimeout(0)
    resolve(response)
  })
  outgoing.on('error', (cause) => reject(unreachable(url.origin, cause, options.method)))
  if (typeof payload === 'object') payload.on('error', (cause) => outgoing.destroy(cause)).pipe(outgoing)
  else outgoing.end(payload)
  return promise
}

/**
 * Not by `import`: its list of exports would load undici for the WebSocket among them, which takes
 * 40 ms.
 */
function requester(protocol: string): typeof import('node:http').request {
  return process.getBuiltinModule(protocol === 'https:' ? 'node:https' : 'node:http').request
}

/**
 * Node resolves no *.localhost, which are all on loopback (RFC 6761 section 6.3): connect there;
 * Host stays the name.
 */
function loopback({ hostname }: URL): RequestOptions {
  const local = hostname === 'localhost' || hostname.endsWith('.localhost')
  return local ? { lookup: (_name, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]) } : {}
}

/** A request that changes something reached the server, and no answer came. */
const mayBeDone = { hint: 'What you asked for may have been done all the same: look before you ask again.' }

function unreachable(server: string, cause: NodeJS.ErrnoException, method = 'GET'): PaasError {
  const reasons: Record<string, string> = {
    ECONNREFUSED: 'nothing listens there',
    ECONNRESET: 'the connection was lost',
    ENOTFOUND: 'the host name does not exist',
    EAI_AGAIN: 'the host name cannot be resolved',
  }
  const reason = reasons[cause.code ?? ''] ?? cause.message
  const reached = !['connect', 'getaddrinfo'].includes(cause.syscall ?? '')
  const open = reached && method !== 'GET' ? mayBeDone : {}
  return new PaasError('server_unreachable', `Cannot reach the server ${server}: ${reason}.`, { ...open, cause })
}

async function readText(response: IncomingMessage, server: string): Promise<string> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer)
  } catch (cause) {
    throw unreachable(server, cause as NodeJS.ErrnoException)
  }
  return Buffer.concat(chunks).toString()
}

function parseJson(text: string, server: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const message = `${server} answered with a response that is not JSON.`
    throw new PaasError('server_unreachable', message, { hint: 'Is it a paas server?', cause })
  }
}

/**
 * An error of the API (`{id, message}`) as it was thrown there; its message already says what to do
 * next.
 */
function refusal(status: number, text: string, server: string, method = 'GET'): PaasError {
  const error = text.startsWith('{') ? parseJson(text, server) : undefined
  const { id, message } = { id: '', message: '', ...(error as object | undefined) }
  if (id in catalogue) return new PaasError(id as ErrorCode, message, { hint: '' })
  // Not the server's own answer: it is starting or stopping, or a proxy in front of it answers.
  if (!message || status >= 502) {
    const open = method === 'GET' ? {} : mayBeDone
    return new PaasError('server_unreachable', `The server ${server} answered with status ${status}.`, open)
  }
  return new PaasError('bad_request', message, { hint: '' })
}
