import { appBadge, buildBadge, dynoCount, traffic } from '../components/summary.ts'
import { empty, dataTable } from '../components/table.ts'
import { ago, commit } from '../components/words.ts'
import { html, nothing, type Html } from '../html.ts'
import { serverPage, type Visit } from '../page.ts'
import { at } from '../platform.ts'
import type { ShownSummary } from '../shapes.ts'

/** More than most servers have: a longer list is filtered by the server. */
const most = 1000

export const apps = serverPage({ path: '/apps', title: 'Apps', listed: true, view })

async function view({ platform, query }: Visit): Promise<Html> {
  const wanted = (query.get('name') ?? '').trim().toLowerCase()
  const all = await platform.list<ShownSummary>('/app-summaries', `name ..; max=${most}`)
  const shown = wanted === '' ? all : all.filter(({ app }) => app.name.includes(wanted))
  return html`
    <div class="title">
      <h1>Apps</h1>
      <a class="button main" href="/dashboard/apps/new">New app</a>
    </div>
    ${all.length === 0 ? none : filter(wanted)}
    <div id="apps" data-live>${list(all, shown, wanted)}</div>
  `
}

const none = empty(
  'No apps yet',
  html`<p><a href="/dashboard/apps/new">Make one</a>, or type <code>paas create</code> in a git repository.</p>`,
)

function filter(wanted: string): Html {
  return html`<form class="filter" role="search" data-filter="#apps">
    <label for="filter-name">Filter by name</label>
    <input id="filter-name" name="name" type="search" value="${wanted}" autocomplete="off" spellcheck="false" />
    <button class="plain no-script">Filter</button>
  </form>`
}

function list(all: ShownSummary[], shown: ShownSummary[], wanted: string): Html {
  if (all.length === 0) return nothing
  const noMatch = shown.length === 0 ? html`<p class="quiet">No app has ${wanted} in its name.</p>` : nothing
  return html`${dataTable('Apps', columns, shown, ({ app }) => app.name)} ${noMatch}`
}

const columns = [
  { title: 'Name', cell: nameOf },
  { title: 'State', cell: appBadge },
  { title: 'Serves', cell: serves },
  { title: 'Dynos', cell: dynoCount },
  { title: 'Last hour', cell: (row: ShownSummary) => traffic(row.traffic) },
  { title: 'Last deploy', cell: lastDeploy },
]

function nameOf({ app }: ShownSummary): Html {
  return html`<a class="name" href="/dashboard${at`/apps/${app.name}`}">${app.name}</a>`
}

function serves({ release }: ShownSummary): Html {
  if (!release) return html`<span class="quiet">nothing</span>`
  return html`v${release.version} ${release.commit ? commit(release.commit) : nothing}
    <span class="quiet">${ago(release.created_at)} by ${release.user.email}</span>`
}

function lastDeploy({ build }: ShownSummary): Html {
  if (!build) return html`<span class="quiet">never</span>`
  return html`${buildBadge(build)} <span class="quiet">${ago(build.finished_at ?? build.created_at)}</span>`
}
