import { buildBadge } from '../../components/summary.ts'
import { dataTable, empty, paging } from '../../components/table.ts'
import { ago, badge, commit, duration } from '../../components/words.ts'
import { readDeploys, type HistoryEntry } from '../../history.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit } from '../../page.ts'
import { at } from '../../platform.ts'
import type { ShownBuild, ShownRelease } from '../../shapes.ts'

export const deploys = appPage({ path: '/deploys', title: 'Deploys', listed: true, view })

async function view({ platform, app, query }: AppVisit): Promise<Html> {
  const before = query.get('before') ?? undefined
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(before ?? '') ? before : undefined
  const { entries, older } = await readDeploys(platform, app.name, time)
  const here = `/dashboard${at`/apps/${app.name}/deploys`}`
  return html`
    <div class="title"><h1>Deploys</h1></div>
    <div id="history" data-live class="stack">
      ${
        entries.length === 0
          ? empty('Nothing was deployed yet', html`<p>Push to <code>${app.git_url}</code> to deploy.</p>`)
          : dataTable('Deploys', columns(app.name), entries)
      }
      ${paging({
        newer: time === undefined ? undefined : here,
        older: older && `${here}?before=${encodeURIComponent(older)}`,
      })}
    </div>
  `
}

function columns(app: string) {
  return [
    { title: 'What', cell: (entry: HistoryEntry) => what(app, entry) },
    { title: 'State', cell: state },
    { title: 'Who', cell: ({ build, release }: HistoryEntry) => (build ?? release)?.user.email ?? '' },
    { title: 'When', cell: ({ at: when }: HistoryEntry) => ago(when) },
    { title: 'Took', number: true, cell: ({ build }: HistoryEntry) => (build ? took(build) : nothing) },
  ]
}

function what(app: string, { build, release }: HistoryEntry): Html {
  return html`
    ${
      release
        ? html`<a class="name" href="/dashboard${at`/apps/${app}/releases/${`v${release.version}`}`}"
              >v${release.version}</a
            >
            ${release.description} `
        : nothing
    }
    ${
      build
        ? html`<a href="/dashboard${at`/apps/${app}/builds/${build.id}`}"
            >${release ? 'build' : html`Build of ${commit(build.commit)}`}</a
          >`
        : nothing
    }
  `
}

function state({ build, release }: HistoryEntry): Html {
  const why = build?.failure?.message ?? release?.failure?.message
  return html`${release?.current ? badge('serves', 'good') : build ? buildBadge(build) : releaseBadge(release)}
  ${why ? html`<br /><span class="quiet">${why}</span>` : nothing}`
}

export function releaseBadge(release: ShownRelease | undefined): Html {
  if (release?.current) return badge('serves', 'good')
  if (release?.status === 'failed') return badge('failed', 'bad')
  if (release?.superseded_by) return badge(`superseded by v${release.superseded_by}`, 'idle')
  return release?.status === 'pending' ? badge('releasing', 'busy') : badge('done', 'idle')
}

function took({ created_at: begun, finished_at: ended }: ShownBuild): Html {
  return ended === null ? nothing : html`${duration(Date.parse(ended) - Date.parse(begun))}`
}
