import { findApp } from './app-facts.ts'
import { html } from './html.ts'
import type { WebExchange } from './http/exchange.ts'
import { takeFlash, putFlash } from './http/flash.ts'
import { frame } from './layout.ts'
import type { AppVisit, Done, Page, Visit } from './page.ts'
import type { Parts } from './parts.ts'
import { ApiRefusal } from './platform.ts'
import type { BrowserSession } from './session.ts'

type Found = { page: Page; params: Record<string, string>; session: BrowserSession }

/** Shows a page, or does what a form of it asks and goes on to the next. */
export async function servePage(parts: Parts, exchange: WebExchange, { page, params, session }: Found): Promise<void> {
  const { platform, viewer } = session
  const { url, request } = exchange
  const commits = parts.store.commits()
  const form = request.method === 'POST' ? await exchange.readForm() : new URLSearchParams()
  const token = html`<input type="hidden" name="token" value="${parts.seals.token(session.secret)}" />`
  const shared = { params, query: url.searchParams, form, platform, viewer, token, here: url.pathname + url.search }
  const app = page.of === 'app' ? await findApp(platform, viewer, params['app'] ?? '') : undefined
  const visit: Visit = { ...shared, refusal: undefined, ...app }
  if (request.method === 'POST') {
    const outcome = await act(parts, { page, session }, visit)
    if (!(outcome instanceof ApiRefusal)) {
      if ('page' in outcome)
        return exchange.sendHtml(200, frame(exchange, { page, visit, content: outcome.page, said: undefined, commits }))
      if (outcome.said !== undefined) putFlash(parts.seals, exchange, session.secret, outcome.said)
      return exchange.redirect(`/dashboard${outcome.to}`)
    }
    visit.refusal = outcome
  }
  const content = page.of === 'app' ? await page.view(visit as AppVisit) : await page.view(visit)
  const said = takeFlash(parts.seals, exchange, session.secret)
  await exchange.sendHtml(visit.refusal?.status ?? 200, frame(exchange, { page, visit, content, said, commits }))
}

/** @returns why it was refused, for the page to show beside what was sent */
async function act(
  { seals }: Parts,
  { page, session }: Pick<Found, 'page' | 'session'>,
  visit: Visit,
): Promise<Done | ApiRefusal> {
  if (!seals.isToken(visit.form.get('token') ?? '', session.secret)) {
    return new ApiRefusal(403, { id: 'forbidden', message: 'This form is of another login. Send it again.' })
  }
  const name = visit.form.get('do') ?? ''
  const actions = page.actions as Record<string, (visit: Visit) => Promise<Done>> | undefined
  const action = actions && Object.hasOwn(actions, name) ? actions[name] : undefined
  if (!action) return new ApiRefusal(400, { id: 'bad_request', message: 'This page does not do that.' })
  try {
    return await action(visit)
  } catch (cause) {
    if (cause instanceof ApiRefusal && cause.status !== 401) return cause
    throw cause
  }
}
