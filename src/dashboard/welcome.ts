import { bare } from './layout.ts'
import { submit } from './components/form.ts'
import { html } from './html.ts'
import type { WebExchange } from './http/exchange.ts'
import type { Parts } from './parts.ts'
import { ApiRefusal } from './platform.ts'
import { linkScope } from '../model/login-link.ts'
import { sessionLife } from './session.ts'

/**
 * A link that logs in once. Its page asks first, so that a program that looks at links that people
 * send each other does not use it up.
 */
export async function redeemLink(parts: Parts, exchange: WebExchange): Promise<void> {
  const key = exchange.url.searchParams.get('key') ?? ''
  const { tokens } = parts.store
  const known = tokens.authenticate(key)
  if (!known?.token.scope.includes(linkScope)) {
    throw new ApiRefusal(404, { id: 'not_found', message: 'This link was used already, or is older than ten minutes.' })
  }
  if (exchange.request.method !== 'POST') return exchange.sendHtml(200, welcome(exchange, known.account.email))
  tokens.remove(known.token.id)
  const { secret } = tokens.create({
    accountId: known.account.id,
    description: 'Dashboard',
    scope: ['global'],
    session: true,
    expiresAt: new Date(Date.now() + sessionLife * 1000),
  })
  exchange.setCookie('session', secret, sessionLife)
  await exchange.redirect('/dashboard/account')
}

function welcome(exchange: WebExchange, email: string) {
  const form = html`
    <form method="post" action="${exchange.url.pathname}${exchange.url.search}" class="card narrow stack">
      <h1>Welcome</h1>
      <p>You log in as <strong>${email}</strong>. The link works once.</p>
      ${submit('Log in')}
    </form>
  `
  return bare(exchange, 'Welcome', form)
}
