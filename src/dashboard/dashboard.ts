import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { asPaasError } from '../errors.ts'
import { readAsset } from './assets.ts'
import { exportAudit } from './audit-export.ts'
import { Changes } from './changes.ts'
import { errorPage } from './error-page.ts'
import { checkHostHeader, checkOrigin } from './http/origin.ts'
import { WebExchange } from './http/exchange.ts'
import { Seals } from './http/seals.ts'
import type { DashboardDeps, Parts } from './parts.ts'
import { ApiRefusal } from './platform.ts'
import { findPage } from './registry.ts'
import { serveLogin } from './login.ts'
import { findSession } from './session.ts'
import { relayTerminal } from './terminal-relay.ts'
import { servePage } from './serve-page.ts'

/** The web pages of the control host, below `/dashboard`. */
export class Dashboard implements Disposable {
  readonly #parts: Parts

  constructor(deps: DashboardDeps) {
    this.#parts = { ...deps, seals: new Seals(deps.store.secretFor('dashboard')), changes: new Changes(deps) }
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new WebExchange(request, response)
    try {
      await answer(this.#parts, exchange)
    } catch (cause) {
      await this.#fail(exchange, cause)
    }
  }

  /** For somebody who is logged in, from a page of this server alone. */
  async openTerminal(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const exchange = new WebExchange(request, new ServerResponse(request))
    const { config } = this.#parts
    try {
      checkHostHeader(exchange, config.domain)
      checkOrigin(exchange)
      if (!(await findSession(this.#parts, exchange))) throw new ApiRefusal(401, { message: 'Nobody is logged in.' })
    } catch {
      return void socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    }
    await relayTerminal({ request, socket, head }, config.paths.rendezvousSocket)
  }

  [Symbol.dispose](): void {
    this.#parts.changes[Symbol.dispose]()
  }

  async #fail(exchange: WebExchange, cause: unknown): Promise<void> {
    const { log } = this.#parts
    const known = cause instanceof ApiRefusal ? cause : refusalOf(cause)
    if (known.status >= 500) log.error({ err: cause, path: exchange.url.pathname }, 'a page of the dashboard failed')
    if (exchange.response.headersSent) exchange.response.destroy()
    else await exchange.sendHtml(known.status, errorPage(exchange, known))
  }
}

function refusalOf(cause: unknown): ApiRefusal {
  const { status, code, message, hint } = asPaasError(cause)
  return new ApiRefusal(status, { id: code, message: [message, hint].filter(Boolean).join(' ') })
}

async function answer(parts: Parts, exchange: WebExchange): Promise<void> {
  const { method } = exchange.request
  checkHostHeader(exchange, parts.config.domain)
  if (method === 'POST') checkOrigin(exchange)
  else if (method !== 'GET' && method !== 'HEAD')
    throw new ApiRefusal(405, { message: `Nothing here takes ${method}.` })
  const path = exchange.url.pathname.replace(/^\/dashboard/, '').replace(/\/$/, '')
  if (path.startsWith('/assets/')) return sendAsset(exchange, path)
  if (await serveLogin(parts, exchange, path)) return
  const session = await findSession(parts, exchange)
  if (!session) return exchange.redirect(`/dashboard/login?to=${encodeURIComponent(path + exchange.url.search)}`)
  if (path === '') return exchange.redirect('/dashboard/apps')
  if (path === '/changes') return parts.changes.follow(exchange, session)
  if (await exportAudit(session.platform, exchange, path)) return
  const found = findPage(path)
  if (!found) throw new ApiRefusal(404, { id: 'not_found', message: 'There is no such page.' })
  await servePage(parts, exchange, { ...found, session })
}

/** Their addresses change with what they hold, so they are kept for good. */
async function sendAsset(exchange: WebExchange, path: string): Promise<void> {
  const asset = readAsset(path.split('/').at(-1) ?? '')
  if (!asset) throw new ApiRefusal(404, { id: 'not_found', message: 'There is no such file.' })
  await exchange.send(200, exchange.takesGzip ? asset.packed : asset.content, {
    ...(exchange.takesGzip ? { 'Content-Encoding': 'gzip' } : {}),
    'Content-Type': asset.type,
    'Cache-Control': 'public, max-age=31536000, immutable',
  })
}
