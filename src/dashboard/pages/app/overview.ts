import { printing } from '../../components/build-output.ts'
import { dynoColumns } from '../../components/dyno-table.ts'
import { appBadge, buildBadge, traffic } from '../../components/summary.ts'
import { dataTable, empty, facts } from '../../components/table.ts'
import { ago, commit } from '../../components/words.ts'
import { readDeploys, type HistoryEntry } from '../../history.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit } from '../../page.ts'
import { at } from '../../platform.ts'
import type { ShownBuild, ListedDomain, ShownDyno, ShownSummary } from '../../shapes.ts'

export const overview = appPage({
  path: '',
  title: 'Overview',
  listed: true,
  scripts: ['output.js'],
  view,
})

/** Events that are shown; the page Deploys has all of them. */
const mostEvents = 8

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app } = visit
  const path = at`/apps/${app.name}`
  const [summary, dynos, domains, { entries }] = await Promise.all([
    platform.get<ShownSummary>(`${path}/summary`),
    platform.list<ShownDyno>(`${path}/dynos`, 'name ..; max=200'),
    platform.get<ListedDomain[]>(`${path}/domains`),
    readDeploys(platform, app.name, undefined),
  ])
  const running = entries.find(({ build }) => build?.status === 'pending')?.build
  return html`
    <div class="title"><h1>${app.name}</h1></div>
    <div id="running" data-live>${running ? deploying(app.name, running) : nothing}</div>
    <div id="first" data-live>${entries.some(({ build }) => build) ? nothing : firstPush(visit)}</div>
    <div id="overview" data-live class="stack">
      <div class="columns">
        <section class="card stack" aria-labelledby="serves">
          <h2 id="serves">Serves ${appBadge(summary)}</h2>
          ${serves(app.name, summary, domains)}
        </section>
        <section class="card stack" aria-labelledby="events">
          <h2 id="events">Latest events</h2>
          <ul class="events">
            ${entries.slice(0, mostEvents).map((entry) => eventOf(app.name, entry))}
          </ul>
        </section>
      </div>
      <section class="stack" aria-labelledby="dynos">
        <h2 id="dynos">Dynos</h2>
        ${
          dynos.length === 0
            ? empty('No dynos', 'They start with the first deploy.')
            : dataTable('Dynos', dynoColumns, dynos)
        }
      </section>
    </div>
  `
}

/** What goes on now; it is not replaced while it goes on. */
function deploying(app: string, build: ShownBuild): Html {
  return html`<section class="card stack" aria-labelledby="deploying">
    <h2 id="deploying">
      <a href="/dashboard${at`/apps/${app}/builds/${build.id}`}"
        >Deploying ${build.commit?.slice(0, 8) ?? 'a tarball'}</a
      >
    </h2>
    <p class="quiet">Began ${ago(build.created_at)}, by ${build.user.email}</p>
    ${printing(`Output of the build of ${app}`, build.output_stream_url)}
  </section>`
}

/** Until the first push comes, which then shows here by itself. */
function firstPush({ app }: AppVisit): Html {
  return html`<section class="card stack" aria-labelledby="push">
    <h2 id="push">Deploy it</h2>
    <ol class="steps">
      <li>
        In the git repository of your code:
        <pre class="output">
git remote add paas ${app.git_url}
git push paas main</pre>
        git asks for a user name, which may be anything, and a password: a token of <code>paas tokens:create</code>.
        Where the <code>paas</code> command is logged in, <code>paas git:remote -a ${app.name}</code> does both.
      </li>
      <li>
        The push shows here while it builds, and <a href="${app.web_url}">${app.web_url}</a> answers when it ends.
      </li>
    </ol>
    <p class="live-wait" role="status">Waiting for the first push…</p>
  </section>`
}

function serves(app: string, summary: ShownSummary, domains: ListedDomain[]): Html {
  const { release, build } = summary
  const others = domains.filter(({ kind }) => kind === 'custom')
  return facts([
    ['Address', html`<a href="${summary.web_url}">${summary.web_url}</a>`],
    ...(others.length > 0 ? ([['Domains', others.map(({ hostname }) => hostname).join(', ')]] as const) : []),
    [
      'Release',
      release
        ? html`<a href="/dashboard${at`/apps/${app}/releases/${`v${release.version}`}`}">v${release.version}</a>
            ${release.commit ? commit(release.commit) : nothing} ${release.description}`
        : html`<span class="quiet">nothing yet</span>`,
    ],
    ...(release ? ([['Since', html`${ago(release.created_at)} by ${release.user.email}`]] as const) : []),
    ['Last build', build ? html`${buildBadge(build)} ${ago(build.finished_at ?? build.created_at)}` : 'none'],
    ['Last hour', traffic(summary.traffic)],
  ])
}

function eventOf(app: string, { at: when, build, release }: HistoryEntry): Html {
  const what = release
    ? html`<a href="/dashboard${at`/apps/${app}/releases/${`v${release.version}`}`}">v${release.version}</a>
        ${release.description}`
    : html`<a href="/dashboard${at`/apps/${app}/builds/${build?.id ?? ''}`}">Build</a> of
        ${commit(build?.commit ?? null)}`
  const failed = build?.failure?.message ?? release?.failure?.message
  return html`<li>
    ${what} ${build && !release ? buildBadge(build) : nothing}
    <span class="quiet">${ago(when)} by ${(build ?? release)?.user.email}</span>
    ${failed ? html`<br /><span class="bad">${failed}</span>` : nothing}
  </li>`
}
