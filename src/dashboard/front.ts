import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Dashboard } from './dashboard.ts'
import type { DashboardDeps } from './parts.ts'

/**
 * Knows the requests that are the dashboard's, and loads it at the first of them: a server that
 * nobody looks at holds nothing of it.
 */
export class DashboardFront implements AsyncDisposable {
  readonly #deps: DashboardDeps
  #loading: Promise<Dashboard> | undefined

  constructor(deps: DashboardDeps) {
    this.#deps = deps
  }

  /** Returns true for a request that is the dashboard's: it answers it. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    if (!isOurs(request)) return false
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    this.#loading ??= load(this.#deps)
    void this.#loading.then(
      (dashboard) => dashboard.serve(request, response),
      (cause: unknown) => {
        this.#loading = undefined
        this.#deps.log.error({ err: cause }, 'the dashboard cannot be loaded')
        response.writeHead(500).end()
      },
    )
    return true
  }

  /** A browser's terminal, whose connection becomes a WebSocket. */
  openTerminal(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    this.#loading ??= load(this.#deps)
    void this.#loading.then((dashboard) => dashboard.openTerminal(request, socket, head)).catch(() => socket.destroy())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const dashboard = await this.#loading?.catch(() => undefined)
    dashboard?.[Symbol.dispose]()
  }
}

async function load(deps: DashboardDeps): Promise<Dashboard> {
  const { Dashboard } = await import('./dashboard.ts')
  return new Dashboard(deps)
}

/** `/` too, where a browser asks: programs that ask for JSON read there that there is nothing. */
function isOurs({ url = '/', headers, method }: IncomingMessage): boolean {
  const path = url.split('?', 1)[0]
  if (path === '/') return (method === 'GET' || method === 'HEAD') && (headers.accept ?? '').includes('text/html')
  return path === '/dashboard' || (path?.startsWith('/dashboard/') ?? false)
}
