import { isIP } from 'node:net'
import { PaasError } from '../../errors.ts'
import type { WebExchange } from './exchange.ts'

/**
 * The host that the browser has in its address bar must be this server's. A page elsewhere whose
 * name was pointed at this machine (DNS rebinding) has its own name there.
 * @throws bad_request
 */
export function checkHostHeader(exchange: WebExchange, domain: string): void {
  const host = hostOf(exchange)
  const name = host.replace(/:\d+$/, '').toLowerCase()
  if (name === domain || name === 'localhost' || name.startsWith('[') || isIP(name) !== 0) return
  throw new PaasError('bad_request', `This server is not ${JSON.stringify(host.slice(0, 100))}.`, {
    hint: `Its dashboard is at ${domain}.`,
  })
}

/**
 * A form must come from a page of this server: apps are of the same site, so `SameSite` does not
 * keep theirs away. Browsers send `Origin` with every form.
 * @throws forbidden
 */
export function checkOrigin(exchange: WebExchange): void {
  const origin = exchange.header('origin')
  if (origin !== undefined && URL.canParse(origin) && new URL(origin).host === hostOf(exchange).toLowerCase()) return
  throw new PaasError('forbidden', 'This form was not sent by a page of this server.', {
    hint: 'Reload the page and send it again.',
  })
}

function hostOf(exchange: WebExchange): string {
  return exchange.header('host') ?? ''
}
