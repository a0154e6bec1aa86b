import type { ServerResponse } from 'node:http'
import type { Store } from '../store/store.ts'
import type { WebExchange } from './http/exchange.ts'
import { ApiRefusal } from './platform.ts'
import type { BrowserSession } from './session.ts'

type Deps = { store: Pick<Store, 'commits' | 'tokens'> }

/** Milliseconds between looks at the database while somebody looks at a page. */
const lookEvery = 250
/** Between two events to one viewer: their page is fetched again for each. */
const mostOften = 1000
/** A comment this often keeps what lies between from taking a quiet page for a dead connection. */
const heartbeat = 20_000
/** Of all accounts, and of one: each is a connection. */
const most = { viewers: 500, own: 50 }

type Viewing = { response: ServerResponse; secret: string; accountId: string; told: number; toldAt: number }

/**
 * Tells the pages that are open that something was recorded, so that they fetch what they show
 * again: with the rights that the person has then. Looks only while somebody looks.
 */
export class Changes implements Disposable {
  readonly #store: Deps['store']
  readonly #viewings = new Set<Viewing>()
  #timer: NodeJS.Timeout | undefined

  constructor({ store }: Deps) {
    this.#store = store
  }

  /**
   * Server-sent events, until the browser goes or the session ends. What was recorded since the
   * page was made, or since the last event of a connection that broke, is told at once.
   */
  async follow(exchange: WebExchange, { secret, viewer }: BrowserSession): Promise<void> {
    // A page of an app could open it too, and read nothing of it.
    if ((exchange.header('sec-fetch-site') ?? 'same-origin') !== 'same-origin') {
      throw new ApiRefusal(403, { id: 'forbidden', message: 'This is for pages of this server.' })
    }
    const own = [...this.#viewings].filter(({ accountId }) => accountId === viewer.id)
    if (own.length >= most.own || this.#viewings.size >= most.viewers) {
      throw new ApiRefusal(429, { id: 'rate_limit', message: 'Too many pages are open to be kept up to date.' })
    }
    const { response } = exchange
    response.writeHead(200, {
      ...exchange.head(),
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
    })
    response.write(':\n\n')
    const told = knownBy(exchange) ?? this.#store.commits()
    const viewing = { response, secret, accountId: viewer.id, told, toldAt: performance.now() - mostOften }
    this.#viewings.add(viewing)
    this.#look()
    this.#timer ??= setInterval(() => this.#look(), lookEvery).unref()
    response.once('close', () => this.#forget(viewing))
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    for (const { response } of this.#viewings) response.end()
    this.#viewings.clear()
  }

  #look(): void {
    const commits = this.#store.commits()
    const now = performance.now()
    for (const viewing of this.#viewings) {
      const waited = now - viewing.toldAt
      if (viewing.told === commits && waited < heartbeat) continue
      if (waited < mostOften) continue
      viewing.toldAt = now
      if (!this.#store.tokens.authenticate(viewing.secret)) viewing.response.end('event: ended\ndata:\n\n')
      else
        viewing.response.write(
          viewing.told === commits ? ':\n\n' : `id: ${commits}\nevent: change\ndata: ${commits}\n\n`,
        )
      viewing.told = commits
    }
  }

  #forget(viewing: Viewing): void {
    this.#viewings.delete(viewing)
    if (this.#viewings.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** The number of commits that the page has seen. */
function knownBy(exchange: WebExchange): number | undefined {
  const said = exchange.header('last-event-id') ?? exchange.url.searchParams.get('since') ?? ''
  return /^\d{1,15}$/.test(said) ? Number(said) : undefined
}
