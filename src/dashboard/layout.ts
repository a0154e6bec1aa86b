import { isAtLeast } from '../model/access.ts'
import { assetUrl, readAsset } from './assets.ts'
import { alert } from './components/form.ts'
import { html, nothing, ownMarkup, type Html } from './html.ts'
import type { WebExchange } from './http/exchange.ts'
import type { AppVisit, Page, Visit } from './page.ts'
import { pages } from './registry.ts'
import { at } from './platform.ts'

/** `commits`: how many the record had before anything of it was read. */
type Framed = { page: Page; visit: Visit; content: Html; said: string | undefined; commits: number }

/** A page for somebody who is logged in: navigation, what the last form did or why not, content. */
export function frame(exchange: WebExchange, { page, visit, content, said, commits }: Framed): Html {
  const app = page.of === 'app' ? (visit as AppVisit) : undefined
  const title = [page.title, app?.app.name, 'paas'].filter(Boolean).join(' · ')
  const body = html`
    <a class="skip" href="#main">Skip to the content</a>
    <header class="top">
      <a class="brand" href="/dashboard/apps">paas</a>
      ${serverNavigation(page, visit)}
      <p id="live" class="live" role="status" hidden></p>
      <form method="post" action="/dashboard/logout">${visit.token}<button class="plain">Log out</button></form>
    </header>
    ${app ? appNavigation(page, app) : nothing}
    <main id="main" tabindex="-1">
      ${said === undefined ? nothing : html`<p class="said" role="status">${said}</p>`}
      ${visit.refusal && alert(visit.refusal.message)} ${content}
    </main>
  `
  const scripts = ['page.js', ...(page.scripts ?? [])]
  return document(exchange, { title, body, scripts, styles: page.styles ?? [], commits })
}

/** A page for somebody who is not. */
export function bare(exchange: WebExchange, title: string, content: Html): Html {
  const body = html`<main id="main" class="bare">
    <p class="brand">paas</p>
    ${content}
  </main>`
  return document(exchange, { title: `${title} · paas`, body, scripts: [], styles: [] })
}

type Document = { title: string; body: Html; scripts: string[]; styles: string[]; commits?: number }

function document(exchange: WebExchange, { title, body, scripts, styles, commits }: Document): Html {
  const { nonce } = exchange
  return html`<!doctype html>
    <html lang="en" ${commits === undefined ? nothing : html`data-commits="${commits}"`}>
      <head>
        <meta charset="utf-8" />
        <title>${title}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" type="image/svg+xml" href="${assetUrl('icon.svg')}" />
        ${styles.map((name) => html`<link rel="stylesheet" nonce="${nonce}" href="${assetUrl(name)}" />`)}
        ${sheet(exchange)}
        ${scripts.map((name) => html`<script defer nonce="${nonce}" src="${assetUrl(name)}"></script>`)}
      </head>
      <body>
        ${body}
      </body>
    </html>`
}

/**
 * In the page itself, since the first paint would wait for a file of its own. What the script
 * fetches again goes into a page that has it.
 */
function sheet(exchange: WebExchange): Html {
  if (exchange.header('sec-fetch-dest') === 'empty') return nothing
  return html`<style nonce="${exchange.nonce}">
    ${ownMarkup(String(readAsset('style.css')?.content))}
  </style>`
}

function serverNavigation(page: Page, { viewer }: Visit): Html {
  const listed = pages.filter((one) => one.of === 'server' && one.listed && (viewer.admin || !one.admin))
  return html`<nav class="server" aria-label="Server">
    <ul>
      ${listed.map((one) => item(`/dashboard${one.path}`, one.title, isWithin(page, one)))}
    </ul>
  </nav>`
}

function appNavigation(page: Page, { app, role }: AppVisit): Html {
  const listed = pages.filter((one) => one.of === 'app' && one.listed && isAtLeast(role, one.role ?? 'view'))
  const path = (one: Page): string => `/dashboard${at`/apps/${app.name}`}${one.path.slice('/apps/:app'.length)}`
  return html`<nav class="app" aria-label="${app.name}">
    <p class="app-name">${app.name}</p>
    <ul>
      ${listed.map((one) => item(path(one), one.title, isWithin(page, one)))}
    </ul>
  </nav>`
}

/** A page below one that is listed is shown as that one. */
function isWithin(page: Page, listed: Page): boolean {
  return (
    page === listed ||
    (page.of === listed.of && listed.path !== '/apps/:app' && page.path.startsWith(`${listed.path}/`))
  )
}

function item(href: string, text: string, isCurrent: boolean): Html {
  return html`<li>
    <a href="${href}" ${isCurrent ? html`aria-current="page"` : nothing}>${text}</a>
  </li>`
}
