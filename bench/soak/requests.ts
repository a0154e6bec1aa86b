import { readFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { Agent as SecureAgent, request as httpsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import type { IncomingMessage } from 'node:http'
import type { TestApp } from '../../test/helpers/app.ts'
import type { TestServer } from '../../test/helpers/server.ts'
import { eachTick } from './pace.ts'
import type { Stage } from './stage.ts'
import type { ExpectedLines, Tally } from './tally.ts'

/** More milliseconds than the router gives a request. Only agents that have a timeout heed `Keep-Alive`. */
const patience = 70_000
/** So many may be under way; a server that hangs is not given more. */
const mostOpen = 300

export type RequestDeps = { stage: Stage; tally: Tally; lines: ExpectedLines; rate: number }

/**
 * Asks all apps in turn, `rate` times a second in all, until `signal`; each must get the answer to its own request, and lines in its
 * app's log from the app and the router.
 */
export async function sendRequests({ stage, tally, lines, rate }: RequestDeps, signal: AbortSignal): Promise<void> {
  using clients = new Clients(stage.server)
  const open = new Set<Promise<void>>()
  let count = 0
  await eachTick(1000 / rate, signal, () => {
    if (open.size >= mostOpen) return tally.cut('request', `not sent: ${mostOpen} others are not answered yet`)
    const id = ++count
    const app = stage.apps[id % stage.apps.length]!
    const asked = clients.ask(app, id).then(
      () => {
        tally.did('request')
        for (const writer of ['app', 'router']) lines.expect(`${writer} ${id}`)
      },
      (cause: unknown) => tally.cut('request', `${app.name}, number ${id}: ${String(cause)}`),
    )
    open.add(asked)
    void asked.finally(() => open.delete(asked))
  })
  await Promise.all(open)
}

/** Of ten requests seven come on kept connections, one on a new one, one with a body, and one with TLS. */
class Clients implements Disposable {
  readonly #kept = new Agent({ keepAlive: true, maxSockets: 64, timeout: patience })
  readonly #secure: SecureAgent
  readonly #server: TestServer

  constructor(server: TestServer) {
    this.#server = server
    this.#secure = new SecureAgent({
      keepAlive: true,
      maxSockets: 16,
      timeout: patience,
      ca: readFileSync(server.tlsAuthority),
    })
  }

  async ask(app: TestApp, id: number): Promise<void> {
    const body = id % 10 === 0 ? `${id} `.repeat(1_000) : undefined
    const path = `/n/${id}`
    const answer = await this.#send(app, { path, body, secure: id % 10 === 1, fresh: id % 10 === 2 })
    const got = await text(answer)
    if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}: ${got.slice(0, 200)}`)
    if (got !== (body ?? path)) throw new Error(`the answer is another one's: ${got.slice(0, 80)}`)
  }

  #send(app: TestApp, { path, body, secure, fresh }: Question): Promise<IncomingMessage> {
    const { port, httpsPort } = this.#server
    const common = { host: '127.0.0.1', path, method: body === undefined ? 'GET' : 'POST', timeout: patience }
    const [hostname = ''] = app.host.split(':')
    const request = secure
      ? httpsRequest({ ...common, port: httpsPort, agent: this.#secure, headers: { host: `${hostname}:${httpsPort}` } })
      : httpRequest({ ...common, port, agent: fresh ? false : this.#kept, headers: { host: app.host } })
    return new Promise((resolve, reject) => {
      request.once('response', resolve).once('error', reject)
      request.once('timeout', () => request.destroy(new Error(`no answer within ${patience} ms`)))
      request.end(body)
    })
  }

  [Symbol.dispose](): void {
    this.#kept.destroy()
    this.#secure.destroy()
  }
}

type Question = { path: string; body: string | undefined; secure: boolean; fresh: boolean }
