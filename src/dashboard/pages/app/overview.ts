import { appBadge, buildBadge, traffic } from '../../components/summary.ts'
import { empty, facts, dataTable } from '../../components/table.ts'
import { ago, badge, commit, type Tone } from '../../components/words.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit } from '../../page.ts'
import { at } from '../../platform.ts'
import type { ShownSummary, ShownDyno } from '../../shapes.ts'

export const overview = appPage({ path: '', title: 'Overview', listed: true, view })

async function view({ platform, app }: AppVisit): Promise<Html> {
  const [summary, dynos] = await Promise.all([
    platform.get<ShownSummary>(at`/apps/${app.name}/summary`),
    platform.list<ShownDyno>(at`/apps/${app.name}/dynos`, 'name ..; max=200'),
  ])
  return html`
    <div class="title"><h1>${app.name}</h1></div>
    <div id="overview" data-live class="stack">
      <section class="card stack" aria-labelledby="serves">
        <h2 id="serves">Serves ${appBadge(summary)}</h2>
        ${serves(summary)}
      </section>
      <section class="card stack" aria-labelledby="dynos">
        <h2 id="dynos">Dynos</h2>
        ${dynos.length === 0 ? empty('No dynos', 'They start with the first deploy.') : dataTable('Dynos', columns, dynos)}
      </section>
    </div>
  `
}

function serves(summary: ShownSummary): Html {
  const { release, build } = summary
  return facts([
    ['Address', html`<a href="${summary.web_url}" rel="noreferrer">${summary.web_url}</a>`],
    [
      'Release',
      release
        ? html`v${release.version} ${release.commit ? commit(release.commit) : nothing} ${release.description},
          ${ago(release.created_at)} by ${release.user.email}`
        : html`<span class="quiet">nothing yet</span>`,
    ],
    ['Last build', build ? html`${buildBadge(build)} ${ago(build.finished_at ?? build.created_at)}` : 'none'],
    ['Last hour', traffic(summary.traffic)],
  ])
}

const tones: Record<ShownDyno['state'], Tone> = {
  starting: 'busy',
  up: 'good',
  crashed: 'bad',
  stopping: 'idle',
  down: 'bad',
}

const columns = [
  { title: 'Dyno', cell: (dyno: ShownDyno) => html`<strong>${dyno.name}</strong>` },
  {
    title: 'State',
    cell: (dyno: ShownDyno) =>
      html`${badge(dyno.state, tones[dyno.state])} <span class="quiet">${ago(dyno.updated_at)}</span>${
          dyno.reason ? html`<br />${dyno.name} ${dyno.reason.message}` : nothing
        }`,
  },
  { title: 'Release', cell: (dyno: ShownDyno) => `v${dyno.release.version}` },
  { title: 'Size', cell: (dyno: ShownDyno) => dyno.size },
  { title: 'Command', cell: (dyno: ShownDyno) => html`<code>${dyno.command}</code>` },
]
