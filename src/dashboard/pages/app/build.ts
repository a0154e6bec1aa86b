import { printed, printing } from '../../components/build-output.ts'
import { confirmation, submit } from '../../components/form.ts'
import { buildBadge } from '../../components/summary.ts'
import { facts } from '../../components/table.ts'
import { ago, bytes, commit, duration } from '../../components/words.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { at } from '../../platform.ts'
import type { ShownBuild, ShownSummary } from '../../shapes.ts'

export const build = appPage({
  path: '/builds/:build',
  title: 'Build',
  listed: false,
  scripts: ['output.js'],
  view,
  actions: { again, cancel },
})

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app, params, query } = visit
  const path = at`/apps/${app.name}/builds/${params['build'] ?? ''}`
  const shown = await platform.get<ShownBuild>(path)
  if (query.get('ask') === 'again') return askAgain(visit, shown)
  const isRunning = shown.status === 'pending'
  const result = isRunning ? undefined : await platform.get<{ lines: { line: string }[] }>(`${path}/result`)
  return html`
    <div class="title">
      <h1>Build of ${commit(shown.commit)}</h1>
      ${buttons(visit, shown)}
    </div>
    <div id="build" data-live class="stack">
      <section class="card stack" aria-label="What became of it">${about(app.name, shown)}</section>
      ${
        result
          ? printed('Output of the build', result.lines.map(({ line }) => line).join(''))
          : printing('Output of the build', shown.output_stream_url)
      }
    </div>
  `
}

function about(app: string, shown: ShownBuild): Html {
  const { failure, report, finished_at: ended, release } = shown
  return html`
    ${failure ? html`<p class="alert">${failure.message}</p>` : nothing}
    ${facts([
      ['State', buildBadge(shown)],
      ['Began', html`${ago(shown.created_at)} by ${shown.user.email}`],
      ...(ended ? ([['Took', duration(Date.parse(ended) - Date.parse(shown.created_at))]] as const) : []),
      ...(release
        ? ([
            ['Release', html`<a href="/dashboard${at`/apps/${app}/releases/${release.id}`}">what it made</a>`],
          ] as const)
        : []),
      ...(report?.slug_bytes ? ([['Slug', bytes(report.slug_bytes)]] as const) : []),
      ...(shown.ref ? ([['Ref', html`<code>${shown.ref}</code>`]] as const) : []),
    ])}
    ${report ? phases(report.phases) : nothing}
  `
}

function phases(times: Record<string, number>): Html {
  return html`<ul class="phases" aria-label="Phases">
    ${Object.entries(times).map(([name, time]) => html`<li>${name} <b>${duration(time)}</b></li>`)}
  </ul>`
}

function buttons({ role, token, here }: AppVisit, shown: ShownBuild): Html {
  if (role === 'view') return nothing
  if (shown.status === 'pending') {
    return html`<form method="post" action="${here}">${token} ${submit('Cancel', 'cancel', 'danger')}</form>`
  }
  return shown.commit ? html`<a class="button" href="?ask=again">Deploy again</a>` : nothing
}

async function askAgain({ platform, app, token, here }: AppVisit, shown: ShownBuild): Promise<Html> {
  const { release } = await platform.get<ShownSummary>(at`/apps/${app.name}/summary`)
  const back = here.split('?')[0] ?? here
  return html`
    <h1>Deploy again</h1>
    ${confirmation({
      title: `Build and release ${shown.commit?.slice(0, 8)} of ${app.name} again?`,
      consequences: [
        html`The commit ${commit(shown.commit)} is built with the config vars as they are now.`,
        'If the app has a release command, it runs. Then the new dynos start, and take over once they answer.',
        release
          ? `v${release.version} serves until then, and goes on serving if anything fails.`
          : 'Nothing serves until then.',
      ],
      action: 'again',
      button: 'Deploy again',
      token,
      here: back,
      back,
    })}
  `
}

async function again({ platform, app, params }: AppVisit): Promise<Done> {
  const { commit: wanted } = await platform.get<ShownBuild>(at`/apps/${app.name}/builds/${params['build'] ?? ''}`)
  const made = await platform.send<ShownBuild>('POST', at`/apps/${app.name}/builds`, wanted ? { commit: wanted } : {})
  return { to: at`/apps/${app.name}/builds/${made.id}` }
}

async function cancel({ platform, app, params }: AppVisit): Promise<Done> {
  const path = at`/apps/${app.name}/builds/${params['build'] ?? ''}`
  await platform.send('DELETE', path)
  return { to: path, said: 'The build is being cancelled. What served goes on serving.' }
}
