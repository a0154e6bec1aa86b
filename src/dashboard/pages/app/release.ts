import { confirmation } from '../../components/form.ts'
import { facts } from '../../components/table.ts'
import { ago, commit } from '../../components/words.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { at } from '../../platform.ts'
import type { ShownChanges, ShownRelease } from '../../shapes.ts'
import { releaseBadge } from './deploys.ts'

export const release = appPage({
  path: '/releases/:release',
  title: 'Release',
  listed: false,
  view,
  actions: { rollback },
})

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app, params, query } = visit
  const path = at`/apps/${app.name}/releases/${params['release'] ?? ''}`
  const shown = await platform.get<ShownRelease>(path)
  if (query.get('ask') === 'rollback') return askRollback(visit, shown)
  const changes = await platform.get<ShownChanges>(`${path}/changes`)
  return html`
    <div class="title">
      <h1>v${shown.version}</h1>
      ${button(visit, shown)}
    </div>
    <div id="release" data-live class="stack">
      <section class="card stack" aria-label="What it is">
        ${shown.failure ? html`<p class="alert">${shown.failure.message}</p>` : nothing}
        ${facts([
          ['State', releaseBadge(shown)],
          ['What', shown.description],
          ['Made', html`${ago(shown.created_at)} by ${shown.user.email}`],
          ...commandOutput(shown),
        ])}
      </section>
      <section class="card stack" aria-labelledby="changes">
        <h2 id="changes">${changes.since ? `Changes since v${changes.since.version}` : 'What it began with'}</h2>
        ${differences(changes)}
      </section>
    </div>
  `
}

function commandOutput({ output_stream_url: url }: ShownRelease) {
  if (url === null) return []
  return [['Release command', html`<a href="${new URL(url).pathname}">what it printed</a>`]] as const
}

/** Of config vars the names alone. */
function differences({ code, config }: ShownChanges): Html {
  const keys = (names: string[]): Html =>
    html`${names.map((name, i) => html`${i > 0 ? ', ' : nothing}<code>${name}</code>`)}`
  const rows = [
    ...(code.is_same ? [] : ([['Code', html`${commit(code.from)} → ${commit(code.to)}`]] as const)),
    ...(config.added.length > 0 ? ([['Config added', keys(config.added)]] as const) : []),
    ...(config.changed.length > 0 ? ([['Config changed', keys(config.changed)]] as const) : []),
    ...(config.removed.length > 0 ? ([['Config removed', keys(config.removed)]] as const) : []),
  ]
  return rows.length === 0 ? html`<p class="quiet">Neither code nor config vars.</p>` : facts(rows)
}

function button({ role }: AppVisit, shown: ShownRelease): Html {
  if (role === 'view' || shown.current || !shown.eligible_for_rollback) return nothing
  return html`<a class="button" href="?ask=rollback">Roll back to this</a>`
}

async function askRollback({ platform, app, token, here }: AppVisit, shown: ShownRelease): Promise<Html> {
  const path = at`/apps/${app.name}/releases/${`v${shown.version}`}/changes?since=current`
  const changes = await platform.get<ShownChanges>(path)
  const back = here.split('?')[0] ?? here
  return html`
    <h1>Roll back</h1>
    ${confirmation({
      title: `Roll ${app.name} back to v${shown.version}?`,
      consequences: [
        html`A new release has the code and the config vars of v${shown.version} (${shown.description}). Nothing is
        built.`,
        html`From what serves now it differs in this: ${differences(changes)}`,
        'Config vars of add-ons stay as they are, and so does what is in databases and volumes.',
        'If the app has a release command, it runs. What serves goes on serving until the new dynos answer.',
      ],
      action: 'rollback',
      button: `Roll back to v${shown.version}`,
      token,
      here: back,
      back,
    })}
  `
}

async function rollback({ platform, app, params }: AppVisit): Promise<Done> {
  const asked = { release: params['release'] ?? '' }
  const made = await platform.send<ShownRelease>('POST', at`/apps/${app.name}/releases`, asked)
  return { to: at`/apps/${app.name}/releases/${`v${made.version}`}`, said: `v${made.version} is being released.` }
}
