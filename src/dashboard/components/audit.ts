import { html, nothing, type Html } from '../html.ts'
import { field } from './form.ts'
import { dataTable, empty, paging, type Column } from './table.ts'
import { moment } from './words.ts'
import { at, type Platform } from '../platform.ts'

type ShownEntry = {
  sequence: number
  created_at: string
  action: string
  account: { email: string } | null
  via: string
  client: string | null
  app: { name: string } | null
  resource: string | null
  detail: Record<string, unknown>
  failure: string | null
}

const atOnce = 50

/** Entries of the audit log, the newest first, with their filters. */
export async function auditLog(
  { platform, query }: { platform: Platform; query: URLSearchParams },
  { path, here, ofServer }: { path: string; here: string; ofServer: boolean },
): Promise<Html> {
  const wanted = filtersIn(query)
  const before = /^\d{1,15}$/.test(query.get('before') ?? '') ? query.get('before') : null
  const asked = new URLSearchParams({ ...wanted, limit: String(atOnce), ...(before === null ? {} : { before }) })
  const entries = (await platform.get<ShownEntry[]>(`${path}?${asked.toString()}`)).toReversed()
  const oldest = entries.length === atOnce ? entries.at(-1)?.sequence : undefined
  const link = (more: Record<string, string>): string =>
    `${here}?${new URLSearchParams({ ...wanted, ...more }).toString()}`
  return html`
    ${filters(here, wanted)}
    ${
      entries.length === 0
        ? empty('Nothing yet', 'No change matches.')
        : dataTable('What was changed', columns(ofServer), entries)
    }
    ${paging({
      newer: before === null ? undefined : link({}),
      older: oldest === undefined ? undefined : link({ before: String(oldest) }),
    })}
  `
}

function filtersIn(query: URLSearchParams): Record<string, string> {
  const given = ['account', 'action', 'client'].map((name) => [name, (query.get(name) ?? '').trim()] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== ''))
}

function filters(here: string, wanted: Record<string, string>): Html {
  const query = new URLSearchParams(wanted).toString()
  const one = (name: string, label: string, placeholder: string): Html =>
    field({ name, label, type: 'search', value: wanted[name] ?? '', placeholder, autocomplete: 'off' })
  return html`<form class="filter" role="search" action="${here}">
    ${one('account', 'Account', 'ada@example.com')} ${one('action', 'Action', 'config-vars')}
    ${one('client', 'Address', '192.0.2.1')}
    <button class="plain">Filter</button>
    <a class="button plain" href="${here}.jsonl?${query}" download>Download as JSON lines</a>
  </form>`
}

function columns(ofServer: boolean): Column<ShownEntry>[] {
  return [
    { title: 'When', cell: ({ created_at: when }) => moment(when) },
    {
      title: 'Who',
      cell: ({ account, via }) => account?.email ?? (via === 'server' ? 'the server' : 'somebody'),
    },
    ...(ofServer ? [{ title: 'App', cell: appOf }] : []),
    { title: 'What', cell: what },
    { title: 'From', cell: ({ client, via }) => html`${client ?? ''} <span class="quiet">${via}</span>` },
    { title: 'Number', number: true, cell: ({ sequence }) => sequence },
  ]
}

function appOf({ app }: ShownEntry): Html {
  return app ? html`<a href="/dashboard${at`/apps/${app.name}`}">${app.name}</a>` : nothing
}

function what({ action, resource, detail, failure }: ShownEntry): Html {
  const facts = Object.entries(detail).map(
    ([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : String(value)}`,
  )
  return html`<strong>${action}</strong> ${resource ?? ''}
    ${facts.length > 0 ? html`<br /><span class="quiet">${facts.join('; ')}</span>` : nothing}
    ${failure === null ? nothing : html`<br /><span class="bad">failed: ${failure}</span>`}`
}
