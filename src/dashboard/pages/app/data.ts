import { confirmation, field, select, submit } from '../../components/form.ts'
import { dataTable, empty } from '../../components/table.ts'
import { badge, bytes, moment, type Tone } from '../../components/words.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { ApiRefusal, at } from '../../platform.ts'

export const data = appPage({
  path: '/data',
  title: 'Data',
  listed: true,
  view,
  actions: { create, destroyAddon, createVolume, destroyVolume },
})

type Addon = {
  id: string
  name: string
  app: { id: string; name: string }
  plan: { name: string }
  state: string
  config_vars: string[]
  created_at: string
  provision_message?: string
}
type Service = { name: string; human_name: string }
type Plan = { name: string; description: string }
type Volume = {
  name: string
  mount: string
  types: string[]
  single_writer: boolean
  read_only: boolean
  used_bytes: number | null
  limit_bytes: number
  measured_at: string | null
}

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app, role, query } = visit
  const [addons, volumes] = await Promise.all([
    platform.list<Addon>(at`/apps/${app.name}/addons`, 'name ..; max=1000'),
    platform.get<Volume[]>(at`/apps/${app.name}/volumes`),
  ])
  const leaving = addons.find(({ name }) => name === query.get('addon'))
  if (leaving) return askDestroyAddon(visit, leaving)
  const gone = volumes.find(({ name }) => name === query.get('volume'))
  if (gone) return askDestroyVolume(visit, gone)
  return html`
    <h1>Data</h1>
    <section class="stack" aria-labelledby="addons">
      <h2 id="addons">Add-ons</h2>
      <div id="addon-list" data-live>
        ${addons.length === 0 ? empty('No add-ons', 'A database or a cache for this app, which reaches it by config vars.') : dataTable('Add-ons', addonColumns(visit), addons)}
      </div>
      ${role === 'view' ? nothing : await addonForm(visit)}
    </section>
    <section class="stack" aria-labelledby="volumes">
      <h2 id="volumes">Volumes</h2>
      ${volumes.length === 0 ? empty('No volumes', 'A directory whose files stay when dynos are replaced.') : dataTable('Volumes', volumeColumns(visit), volumes)}
      ${role === 'view' ? nothing : volumeForm(visit)}
    </section>
  `
}

const tones: Record<string, Tone> = { provisioned: 'good', provisioning: 'busy', deprovisioned: 'bad' }

function addonColumns({ app, role }: AppVisit) {
  return [
    { title: 'Name', cell: ({ name }: Addon) => html`<strong>${name}</strong>` },
    { title: 'Plan', cell: ({ plan }: Addon) => plan.name },
    {
      title: 'State',
      cell: ({ state, provision_message: why }: Addon) => html`${badge(state, tones[state] ?? 'idle')} ${why ?? ''}`,
    },
    {
      title: 'Config vars',
      cell: ({ config_vars: keys }: Addon) => html`${keys.map((key) => html`<code>${key}</code> `)}`,
    },
    { title: 'Since', cell: ({ created_at: since }: Addon) => moment(since) },
    ...(role === 'view'
      ? []
      : [
          {
            title: 'Action',
            cell: ({ name, app: owner }: Addon) =>
              owner.id === app.id
                ? html`<a href="?addon=${encodeURIComponent(name)}">Destroy<span class="unseen"> ${name}</span></a>`
                : html`<span class="quiet">of ${owner.name}</span>`,
          },
        ]),
  ]
}

async function addonForm({ platform, form, here, token }: AppVisit): Promise<Html> {
  const services = await platform.list<Service>('/addon-services', 'name ..; max=1000')
  const plans = await Promise.all(services.map(({ name }) => platform.get<Plan[]>(at`/addon-services/${name}/plans`)))
  const options = plans.flat().map(({ name, description }) => [name, `${name}: ${description}`] as const)
  if (options.length === 0) return html`<p class="quiet">This server offers no add-ons.</p>`
  return html`<form method="post" action="${here}" class="card stack narrow">
    <h3>Add one</h3>
    ${token} ${select({ name: 'plan', label: 'Service and plan', value: form.get('plan') ?? '', options })}
    <p>${submit('Add', 'create')}</p>
  </form>`
}

function volumeColumns({ role }: AppVisit) {
  const isAdmin = role === 'admin' || role === 'owner'
  return [
    { title: 'Name', cell: ({ name }: Volume) => html`<strong>${name}</strong>` },
    { title: 'Directory', cell: ({ mount }: Volume) => html`<code>${mount}</code>` },
    {
      title: 'Of',
      cell: ({ types, single_writer: single }: Volume) =>
        `${types.join(', ')}, ${single ? 'one writer' : 'several writers'}`,
    },
    {
      title: 'Used',
      cell: ({ used_bytes: used, limit_bytes: limit, measured_at: when, read_only: full }: Volume) =>
        html`${used === null ? 'not measured yet' : `${bytes(used)} of ${bytes(limit)}`}
        ${full ? badge('full', 'bad') : nothing}
        ${when === null ? nothing : html`<span class="quiet">${moment(when)}</span>`}`,
    },
    ...(isAdmin
      ? [
          {
            title: 'Action',
            cell: ({ name }: Volume) =>
              html`<a href="?volume=${encodeURIComponent(name)}">Destroy<span class="unseen"> ${name}</span></a>`,
          },
        ]
      : []),
  ]
}

function volumeForm({ form, here, token }: AppVisit): Html {
  return html`<form method="post" action="${here}" class="card stack narrow">
    <h3>Add a volume</h3>
    ${token}
    ${field({ name: 'name', label: 'Name', value: form.get('name') ?? '', required: true, autocomplete: 'off' })}
    ${field({ name: 'mount', label: 'Directory', value: form.get('mount') ?? '', required: true, autocomplete: 'off', placeholder: '/data', help: 'Where its dynos find it. A release makes it known to them.' })}
    ${select({
      name: 'writers',
      label: 'Writers',
      value: form.get('writers') ?? 'one',
      options: [
        ['one', 'one dyno at a time'],
        ['several', 'several dynos at once'],
      ],
    })}
    <p>${submit('Add the volume', 'createVolume')}</p>
  </form>`
}

function askDestroyAddon({ app, token }: AppVisit, { name, plan }: Addon): Html {
  const path = `/dashboard${at`/apps/${app.name}/data`}`
  return html`
    <h1>Destroy an add-on</h1>
    ${confirmation({
      title: `Destroy ${name} (${plan.name})?`,
      consequences: [
        'All its data is removed.',
        'Its config vars go from this app, and from the apps that it is attached to, each with a release.',
      ],
      action: 'destroyAddon',
      button: `Destroy ${name}`,
      danger: true,
      fields: { addon: name },
      typed: name,
      token,
      here: `${path}?addon=${encodeURIComponent(name)}`,
      back: path,
    })}
  `
}

function askDestroyVolume({ app, token }: AppVisit, { name, mount }: Volume): Html {
  const path = `/dashboard${at`/apps/${app.name}/data`}`
  return html`
    <h1>Destroy a volume</h1>
    ${confirmation({
      title: `Destroy the volume ${name}?`,
      consequences: [
        html`All files in <code>${mount}</code> are removed.`,
        'A release is made: the new dynos do not have it.',
      ],
      action: 'destroyVolume',
      button: `Destroy ${name}`,
      danger: true,
      fields: { volume: name },
      typed: name,
      token,
      here: `${path}?volume=${encodeURIComponent(name)}`,
      back: path,
    })}
  `
}

async function create({ platform, app, form }: AppVisit): Promise<Done> {
  const made = await platform.send<Addon>('POST', at`/apps/${app.name}/addons`, { plan: form.get('plan') ?? '' })
  return { to: at`/apps/${app.name}/data`, said: `${made.name} is being made.` }
}

async function destroyAddon({ platform, app, form }: AppVisit): Promise<Done> {
  const name = form.get('addon') ?? ''
  checkTyped(form, name)
  await platform.send('DELETE', at`/apps/${app.name}/addons/${name}`, { confirm: app.name })
  return { to: at`/apps/${app.name}/data`, said: `${name} is destroyed.` }
}

async function createVolume({ platform, app, form }: AppVisit): Promise<Done> {
  const [name, mount] = [(form.get('name') ?? '').trim(), (form.get('mount') ?? '').trim()]
  const asked = { name, mount, single_writer: form.get('writers') !== 'several' }
  await platform.send('POST', at`/apps/${app.name}/volumes`, asked)
  return { to: at`/apps/${app.name}/data`, said: `${name} is added; a release makes it known to the dynos.` }
}

async function destroyVolume({ platform, app, form }: AppVisit): Promise<Done> {
  const name = form.get('volume') ?? ''
  checkTyped(form, name)
  await platform.send('DELETE', at`/apps/${app.name}/volumes/${name}?confirm=${name}`)
  return { to: at`/apps/${app.name}/data`, said: `${name} is destroyed.` }
}

function checkTyped(form: URLSearchParams, name: string): void {
  if (form.get('confirm') === name) return
  throw new ApiRefusal(422, { id: 'confirmation_required', message: `Type ${name} to destroy it.` })
}
