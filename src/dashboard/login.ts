import { randomBytes } from 'node:crypto'
import { bare } from './layout.ts'
import { alert, field, submit } from './components/form.ts'
import { html, nothing, type Html } from './html.ts'
import type { WebExchange } from './http/exchange.ts'
import type { Parts } from './parts.ts'
import { Platform, ApiRefusal } from './platform.ts'
import { addressOf, findSession, sessionLife } from './session.ts'
import { redeemLink } from './welcome.ts'

/** Seconds that a login form is good for. */
const formLife = 3600

/** Answers `/login`, `/logout` and `/welcome`, and gives true for them. */
export async function serveLogin(parts: Parts, exchange: WebExchange, path: string): Promise<boolean> {
  switch (path) {
    case '/login':
      await (exchange.request.method === 'POST' ? logIn(parts, exchange) : sendLogin(parts, exchange, {}))
      return true
    case '/welcome':
      await redeemLink(parts, exchange)
      return true
    case '/logout':
      if (exchange.request.method === 'POST') await logOut(parts, exchange)
      else await exchange.redirect('/dashboard')
      return true
    default:
      return false
  }
}

type Shown = { refusal?: ApiRefusal; email?: string }

async function sendLogin(parts: Parts, exchange: WebExchange, shown: Shown): Promise<void> {
  const visit = exchange.cookie('visit') ?? randomBytes(16).toString('base64url')
  exchange.setCookie('visit', visit, formLife)
  const page = bare(exchange, 'Log in', loginForm(parts.seals.token(visit), { ...shown, to: wantedPage(exchange) }))
  await exchange.sendHtml(shown.refusal?.status ?? 200, page)
}

function loginForm(token: string, { refusal, email = '', to }: Shown & { to: string }): Html {
  const wantsCode = refusal?.id === 'two_factor'
  return html`
    <form method="post" action="/dashboard/login?to=${encodeURIComponent(to)}" class="card narrow stack">
      <h1>Log in</h1>
      ${refusal && alert(refusal.message)}
      <input type="hidden" name="token" value="${token}" />
      ${field({ name: 'email', label: 'Email', type: 'email', value: email, autocomplete: 'username', required: true })}
      ${field({ name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password', required: true })}
      ${
        wantsCode
          ? field({ name: 'code', label: 'Code', help: codeHelp, autocomplete: 'one-time-code', required: true })
          : nothing
      }
      ${submit('Log in')}
      <p class="quiet">
        No password yet? On a machine where the <code>paas</code> command is logged in,
        <code>paas dashboard</code> prints a link that logs you in.
      </p>
    </form>
  `
}

const codeHelp = 'From your authenticator app, or a recovery code.'

/** By the API's own login, with its limits and its second factor. */
async function logIn(parts: Parts, exchange: WebExchange): Promise<void> {
  const form = await exchange.readForm()
  const email = form.get('email') ?? ''
  try {
    const isOwn = parts.seals.isToken(form.get('token') ?? '', exchange.cookie('visit') ?? 'none')
    if (!isOwn) throw new ApiRefusal(403, { message: 'This form is too old. Send it again.' })
    const code = form.get('code')
    const platform = new Platform(parts.ask, {
      ...addressOf(exchange),
      authorization: `Basic ${Buffer.from(`${email}:${form.get('password') ?? ''}`).toString('base64')}`,
      ...(code === null ? {} : { 'heroku-two-factor-code': code.trim() }),
    })
    await openSession(exchange, platform)
    await exchange.redirect(`/dashboard${wantedPage(exchange)}`)
  } catch (cause) {
    if (!(cause instanceof ApiRefusal)) throw cause
    await sendLogin(parts, exchange, { refusal: cause, email })
  }
}

async function openSession(exchange: WebExchange, platform: Platform): Promise<void> {
  const asked = { description: 'Dashboard', expires_in: sessionLife }
  const made = await platform.send<{ access_token: { token: string } }>('POST', '/oauth/authorizations', asked)
  exchange.setCookie('session', made.access_token.token, sessionLife)
  exchange.setCookie('visit', '', 0)
}

/** This session ends, or with `everywhere` all of the account, those of its commands too. */
async function logOut(parts: Parts, exchange: WebExchange): Promise<void> {
  const form = await exchange.readForm()
  const session = await findSession(parts, exchange)
  if (session) {
    if (!parts.seals.isToken(form.get('token') ?? '', session.secret)) {
      throw new ApiRefusal(403, { id: 'forbidden', message: 'This form is of another login. Reload the page.' })
    }
    if (form.get('everywhere') !== null) await session.platform.send('DELETE', '/oauth/sessions')
    else await session.platform.send('DELETE', '/oauth/authorizations/~')
  }
  exchange.setCookie('session', '', 0)
  await exchange.redirect('/dashboard/login')
}

/** Only a page of ours: a path, and nothing that a browser takes for another host. */
function wantedPage({ url }: WebExchange): string {
  const to = url.searchParams.get('to') ?? ''
  return /^\/[a-z0-9][\w/.~%-]*(\?[^#\s\\]*)?$/i.test(to) ? to : '/apps'
}
