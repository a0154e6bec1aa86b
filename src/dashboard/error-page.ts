import { bare } from './layout.ts'
import { html, type Html } from './html.ts'
import type { WebExchange } from './http/exchange.ts'
import type { ApiRefusal } from './platform.ts'

export function errorPage(exchange: WebExchange, { status, id, message }: ApiRefusal): Html {
  const content = html`
    <div class="card narrow stack">
      <h1>${titles[status] ?? 'That did not work'}</h1>
      <p>${message}</p>
      <p class="quiet">${id} · ${status}</p>
      <p><a href="/dashboard/apps">All apps</a></p>
    </div>
  `
  return bare(exchange, titles[status] ?? 'Error', content)
}

const titles: Record<number, string> = {
  403: 'You may not do this',
  404: 'Not found',
  429: 'Too much at once',
  503: 'Not possible at the moment',
}
