import { field, select } from '../../components/form.ts'
import { terminal } from '../../components/terminal.ts'
import { html, nothing, type Html } from '../../html.ts'
import { logAddress, readLines, type LogWish, type ShownLine } from '../../log-lines.ts'
import { appPage, type AppVisit } from '../../page.ts'
import { at } from '../../platform.ts'
import type { ShownDyno } from '../../shapes.ts'

/** Lines that are there at once; older ones are a click away. */
const most = 200

export const logs = appPage({ path: '/logs', title: 'Logs', listed: true, scripts: ['log.js'], view })

async function view({ platform, app, query }: AppVisit): Promise<Html> {
  const wish = wishOf(query)
  const marked = placeIn(query, 'at')
  const before = placeIn(query, 'before') ?? marked
  // The line before which one looks is read too, since it tells where it begins.
  const beyond = before !== undefined && marked === undefined ? 1 : 0
  const read = await readLines(platform, app.name, { ...wish, ...(before ? { before } : {}) }, most + beyond)
  const lines = beyond > 0 ? read.slice(0, -1) : read
  const after = placeIn(query, 'after') ?? marked ?? lines.at(-1)?.position ?? '0'
  const isLive = placeIn(query, 'before') === undefined && wish.until === undefined
  const here = `/dashboard${at`/apps/${app.name}/logs`}`
  const [stream, download, names] = await Promise.all([
    isLive ? logAddress(platform, app.name, { ...wish, after, tail: true }) : undefined,
    logAddress(platform, app.name, { ...wish, after: '0', tail: false }),
    processes(platform, app.name),
  ])
  const older = lines.length >= most ? lines[0]?.position : undefined
  return html`
    <div class="title">
      <h1>Logs</h1>
      <p class="buttons">
        <button class="plain needs-script" id="pause" aria-pressed="false" ${isLive ? nothing : html`hidden`}>
          Pause
        </button>
        <a class="button plain" href="${download}" download="${app.name}.log">Download</a>
      </p>
    </div>
    ${filters(here, query, names)}
    <p class="paging">
      ${older ? html`<a rel="prev" href="${here}?${queryWith(query, { before: older })}">Older</a>` : beginning(lines, wish)}
      ${isLive ? nothing : html`<a href="${here}?${queryWith(query, {})}">Newest</a>`}
    </p>
    <div
      class="output log"
      id="log"
      tabindex="0"
      role="log"
      aria-label="Log of ${app.name}"
      data-after="${after}"
      data-here="${here}?${queryWith(query, {})}"
      ${stream ? html`data-stream="${stream}"` : nothing}
    >
      ${lines.map((line) => lineOf(line, `${here}?${queryWith(query, { at: line.position })}`, marked))}
    </div>
  `
}

/** What stands before the first line, or in place of all. */
function beginning(lines: ShownLine[], wish: LogWish): Html {
  if (lines.length > 0) return html`<span class="quiet">The oldest line that is kept</span>`
  const said = Object.keys(wish).length > 0 ? 'No line matches.' : 'Nothing is logged yet.'
  return html`<span class="quiet" id="no-lines">${said}</span>`
}

function lineOf({ position, time, source, process, text }: ShownLine, link: string, marked: string | undefined): Html {
  const id = `l${position}`
  return html`<div id="${id}" class="${source} ${position === marked ? 'marked' : ''}">
    <a href="${link}#${id}"><time datetime="${time.slice(0, 23)}Z" data-exact>${time.slice(11, 23)}</time></a>
    <span class="who">${process}</span> <span class="text">${terminal(text)}</span>
  </div>`
}

function filters(here: string, query: URLSearchParams, names: string[]): Html {
  const value = (name: string): string => query.get(name) ?? ''
  return html`<form class="filter" role="search" action="${here}">
    ${select({ name: 'source', label: 'Source', value: value('source'), options: sources })}
    ${select({
      name: 'dyno',
      label: 'Type or dyno',
      value: value('dyno'),
      options: [['', 'all'], ...names.map((name) => [name, name] as const)],
    })}
    ${field({ name: 'text', label: 'Text', type: 'search', value: value('text'), autocomplete: 'off' })}
    <details class="times" ${value('since') || value('until') ? html`open` : nothing}>
      <summary>Time</summary>
      ${field({ name: 'since', label: 'From (UTC)', type: 'datetime-local', value: timeIn(value('since')) })}
      ${field({ name: 'until', label: 'Until (UTC)', type: 'datetime-local', value: timeIn(value('until')) })}
    </details>
    <button class="plain">Filter</button>
  </form>`
}

const sources = [
  ['', 'all'],
  ['app', 'app'],
  ['heroku', 'platform'],
] as const

/** What lines can be of: types, dynos, and the parts of the platform that write. */
async function processes(platform: AppVisit['platform'], app: string): Promise<string[]> {
  const dynos = await platform.list<ShownDyno>(at`/apps/${app}/dynos`, 'name ..; max=200')
  return [...new Set([...dynos.map(({ type }) => type), ...dynos.map(({ name }) => name), 'router', 'api', 'release'])]
}

function wishOf(query: URLSearchParams): LogWish {
  const wish: LogWish = {}
  for (const name of ['source', 'dyno', 'text'] as const) {
    const value = query.get(name)?.trim()
    if (value) wish[name] = value
  }
  for (const name of ['since', 'until'] as const) {
    const value = query.get(name)?.trim()
    if (value) wish[name] = timeIn(value) === '' ? value : `${timeIn(value)}Z`
  }
  return wish
}

/** As a field for a moment has it; empty for what is none. */
function timeIn(text: string): string {
  return /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?$/.test(text) ? text.replace(' ', 'T') : ''
}

function placeIn(query: URLSearchParams, name: string): string | undefined {
  const value = query.get(name) ?? ''
  return /^[\d:-]{1,60}$/.test(value) ? value : undefined
}

/** The filters, with a place. */
function queryWith(query: URLSearchParams, place: Record<string, string>): string {
  const kept = ['source', 'dyno', 'text', 'since', 'until'].flatMap((name) => {
    const value = query.get(name)
    return value ? [[name, value] as [string, string]] : []
  })
  return new URLSearchParams([...kept, ...Object.entries(place)]).toString()
}
