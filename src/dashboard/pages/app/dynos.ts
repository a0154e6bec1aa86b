import { dynoColumns } from '../../components/dyno-table.ts'
import { confirmation, field, hidden, select } from '../../components/form.ts'
import { dataTable, empty } from '../../components/table.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { at } from '../../platform.ts'
import type { ShownDyno } from '../../shapes.ts'

export const dynos = appPage({
  path: '/dynos',
  title: 'Dynos',
  listed: true,
  view,
  actions: { scale, restart, restartAll, stop },
})

type ShownType = { type: string; quantity: number; size: string; command: string }
type Size = { name: string; memory: number }

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app, query } = visit
  if (query.get('ask') === 'restart') return askRestart(visit)
  const [types, running, sizes] = await Promise.all([
    platform.list<ShownType>(at`/apps/${app.name}/formation`, 'type ..; max=200'),
    platform.list<ShownDyno>(at`/apps/${app.name}/dynos`, 'name ..; max=1000'),
    platform.get<Size[]>('/dyno-sizes'),
  ])
  const path = at`/dashboard/apps/${app.name}/dynos`
  return html`
    <div class="title">
      <h1>Dynos</h1>
      <p class="buttons">
        ${visit.role === 'view' || running.length === 0 ? nothing : html`<a class="button" href="${path}?ask=restart">Restart all</a>`}
      </p>
    </div>
    <section class="stack" aria-labelledby="types">
      <h2 id="types">Process types</h2>
      ${
        types.length === 0
          ? empty('No process types yet', 'They come with the first deploy, from the Procfile or the buildpack.')
          : html`<div class="columns">${types.map((type) => typeCard(visit, type, sizes))}</div>`
      }
    </section>
    <section class="stack" aria-labelledby="running">
      <h2 id="running">Running</h2>
      <div id="running-dynos" data-live>
        ${running.length === 0 ? empty('Nothing runs', 'Scale a process type up to start a dyno.') : dataTable('Dynos', columns(visit), running)}
      </div>
    </section>
  `
}

function typeCard(visit: AppVisit, { type, quantity, size, command }: ShownType, sizes: Size[]): Html {
  const options = sizes.map(({ name, memory }) => [name, `${name}, ${Math.round(memory * 1024)} MiB`] as const)
  const form = html`<form method="post" action="${visit.here}" class="filter">
    ${visit.token} ${hidden('type', type)}
    ${field({ name: 'quantity', id: `quantity-${type}`, label: 'Dynos', type: 'number', value: String(quantity), required: true })}
    ${select({ name: 'size', id: `size-${type}`, label: 'Size', value: size.toLowerCase(), options })}
    <button name="do" value="scale">Scale<span class="unseen"> ${type}</span></button>
  </form>`
  return html`<section class="card stack" aria-label="${type}">
    <h3>${type}</h3>
    <p><code>${command}</code></p>
    ${visit.role === 'view' ? html`<p>${quantity} of ${size}</p>` : form}
  </section>`
}

function columns(visit: AppVisit) {
  return [
    ...dynoColumns,
    ...(visit.role === 'view' ? [] : [{ title: 'Action', cell: (dyno: ShownDyno) => buttons(visit, dyno) }]),
  ]
}

function buttons({ here, token }: AppVisit, { name, type }: ShownDyno): Html {
  const isOneOff = type === 'run'
  return html`<form method="post" action="${here}" class="buttons">
    ${token} ${hidden('dyno', name)}
    ${isOneOff ? nothing : html`<button class="plain" name="do" value="restart">Restart<span class="unseen"> ${name}</span></button>`}
    <button class="plain" name="do" value="stop">Stop<span class="unseen"> ${name}</span></button>
  </form>`
}

function askRestart({ app, token }: AppVisit): Html {
  const path = at`/dashboard/apps/${app.name}/dynos`
  return html`
    <h1>Restart all dynos</h1>
    ${confirmation({
      title: `Restart all dynos of ${app.name}?`,
      consequences: [
        'Each gets SIGTERM and up to 30 s to end, and starts again with the release that serves.',
        'Requests wait for a dyno that is up; with one dyno alone that may take as long as the app takes to start.',
      ],
      action: 'restartAll',
      button: 'Restart all',
      token,
      here: path,
      back: path,
    })}
  `
}

async function scale({ platform, app, form }: AppVisit): Promise<Done> {
  const type = form.get('type') ?? ''
  const quantity = Number(form.get('quantity') ?? '')
  const size = form.get('size') ?? ''
  await platform.send('PATCH', at`/apps/${app.name}/formation/${type}`, { quantity, size })
  return { to: at`/apps/${app.name}/dynos`, said: `${type}: ${quantity} of ${size}.` }
}

async function restart({ platform, app, form }: AppVisit): Promise<Done> {
  const dyno = form.get('dyno') ?? ''
  await platform.send('DELETE', at`/apps/${app.name}/dynos/${dyno}`)
  return { to: at`/apps/${app.name}/dynos`, said: `${dyno} restarts.` }
}

async function restartAll({ platform, app }: AppVisit): Promise<Done> {
  await platform.send('DELETE', at`/apps/${app.name}/dynos`)
  return { to: at`/apps/${app.name}/dynos`, said: 'All dynos restart.' }
}

async function stop({ platform, app, form }: AppVisit): Promise<Done> {
  const dyno = form.get('dyno') ?? ''
  await platform.send('POST', at`/apps/${app.name}/dynos/${dyno}/actions/stop`)
  return {
    to: at`/apps/${app.name}/dynos`,
    said: `${dyno} stops. A dyno of a process type starts again; to have fewer, scale down.`,
  }
}
