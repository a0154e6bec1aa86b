import { lostAtMost, comparedOrNot } from '../../components/backup-facts.ts'
import { field, select, submit } from '../../components/form.ts'
import { empty, tableOr } from '../../components/table.ts'
import { ago, badge, bytes, moment, type Tone } from '../../components/words.ts'
import type { ShownAddon, ShownBackups, ShownCopy, ShownVolume } from '../../data-shapes.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { at } from '../../platform.ts'

export const data = appPage({
  path: '/data',
  title: 'Data',
  listed: true,
  view,
  actions: { create, createVolume },
})

type Service = { name: string; human_name: string }
type Plan = { name: string; description: string }

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app, role } = visit
  const path = at`/apps/${app.name}`
  const [addons, backups, volumes, copies] = await Promise.all([
    platform.list<ShownAddon>(`${path}/addons`, 'name ..; max=1000'),
    platform.get<ShownBackups[]>(`${path}/backups`),
    platform.get<ShownVolume[]>(`${path}/volumes`),
    platform.get<ShownCopy[]>(`${path}/volume-copies`),
  ])
  const kept = copies.filter(({ kind, status }) => kind === 'backup' && status === 'succeeded')
  return html`
    <h1>Data</h1>
    <section class="stack" aria-labelledby="addons">
      <h2 id="addons">Add-ons</h2>
      <div id="addon-list" data-live>
        ${tableOr(noAddons, 'Add-ons', addonColumns(app.id, app.name, backups), addons)}
      </div>
      ${role === 'view' ? nothing : await addonForm(visit)}
    </section>
    <section class="stack" aria-labelledby="volumes">
      <h2 id="volumes">Volumes</h2>
      <div id="volume-list" data-live class="stack">
        ${tableOr(noVolumes, 'Volumes', volumeColumns(app.name, kept), volumes)} ${gone(app.name, volumes, kept)}
      </div>
      ${role === 'view' ? nothing : volumeForm(visit)}
    </section>
  `
}

const noAddons = empty('No add-ons', 'A database or a cache for this app, which reaches it by config vars.')
const noVolumes = empty('No volumes', 'A directory whose files stay when dynos are replaced.')

const tones: Record<string, Tone> = { provisioned: 'good', provisioning: 'busy', deprovisioned: 'bad' }

export function addonBadge({ state }: Pick<ShownAddon, 'state'>): Html {
  return badge(state, tones[state] ?? 'idle')
}

function addonColumns(appId: string, app: string, backups: ShownBackups[]) {
  const of = ({ id }: ShownAddon): ShownBackups | undefined => backups.find(({ addon }) => addon.id === id)
  return [
    {
      title: 'Name',
      cell: ({ name, app: owner }: ShownAddon) =>
        html`<a class="name" href="/dashboard${at`/apps/${app}/data/addons/${name}`}">${name}</a> ${
            owner.id === appId ? nothing : html`<span class="quiet">of ${owner.name}</span>`
          }`,
    },
    { title: 'Plan', cell: ({ plan }: ShownAddon) => plan.name },
    {
      title: 'State',
      cell: (addon: ShownAddon) => html`${addonBadge(addon)} ${addon.provision_message ?? ''}`,
    },
    {
      title: 'Config vars',
      cell: ({ config_vars: keys }: ShownAddon) => html`${keys.map((key) => html`<code>${key}</code> `)}`,
    },
    { title: 'Last backup', cell: (addon: ShownAddon) => lastOf(of(addon)) },
    { title: 'Lost at most', cell: (addon: ShownAddon) => (of(addon) ? lostAtMost(of(addon)!) : nothing) },
  ]
}

function lastOf(one: ShownBackups | undefined): Html {
  if (!one) return nothing
  const { kind, last_good: good, last_proven: proven, problem, last_disproven: disproven } = one
  if (kind === 'none') return html`<span class="quiet">not backed up</span>`
  return html`${good ? ago(good.started_at) : html`<span class="quiet">none yet</span>`}
  ${problem || disproven ? badge('trouble', 'bad') : proven ? badge(`proven${comparedOrNot(proven)}`, 'good') : nothing}`
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

function volumeColumns(app: string, kept: ShownCopy[]) {
  const newest = ({ name }: ShownVolume): ShownCopy | undefined => kept.find(({ volume }) => volume.name === name)
  return [
    {
      title: 'Name',
      cell: ({ name }: ShownVolume) =>
        html`<a class="name" href="/dashboard${at`/apps/${app}/data/volumes/${name}`}">${name}</a>`,
    },
    { title: 'Directory', cell: ({ mount }: ShownVolume) => html`<code>${mount}</code>` },
    {
      title: 'Of',
      cell: ({ types, single_writer: single }: ShownVolume) =>
        types.length === 0 ? 'one-off dynos' : `${types.join(', ')}, ${single ? 'one writer' : 'several writers'}`,
    },
    { title: 'Used', cell: usedOf },
    {
      title: 'Last backup',
      cell: (volume: ShownVolume) => {
        const copy = newest(volume)
        if (!copy) return html`<span class="quiet">none yet</span>`
        return html`${ago(copy.created_at)} ${copy.proven_at === null ? nothing : badge('proven', 'good')}`
      },
    },
  ]
}

export function usedOf({
  used_bytes: used,
  limit_bytes: limit,
  measured_at: when,
  read_only: full,
}: ShownVolume): Html {
  return html`${used === null ? 'not measured yet' : `${bytes(used)} of ${bytes(limit)}`}
  ${full ? badge('full', 'bad') : nothing} ${when === null ? nothing : html`<span class="quiet">${moment(when)}</span>`}`
}

/** Backups outlast their volume. */
function gone(app: string, volumes: ShownVolume[], kept: ShownCopy[]): Html {
  const present = new Set(volumes.map(({ name }) => name))
  const names = [...new Set(kept.map(({ volume }) => volume.name))].filter((name) => !present.has(name))
  if (names.length === 0) return nothing
  const link = (name: string): Html => html`<a href="/dashboard${at`/apps/${app}/data/volumes/${name}`}">${name}</a> `
  return html`<p class="quiet">Backups of volumes that are gone: ${names.map(link)}</p>`
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

async function create({ platform, app, form }: AppVisit): Promise<Done> {
  const made = await platform.send<ShownAddon>('POST', at`/apps/${app.name}/addons`, { plan: form.get('plan') ?? '' })
  return { to: at`/apps/${app.name}/data`, said: `${made.name} is being made.` }
}

async function createVolume({ platform, app, form }: AppVisit): Promise<Done> {
  const [name, mount] = [(form.get('name') ?? '').trim(), (form.get('mount') ?? '').trim()]
  const asked = { name, mount, single_writer: form.get('writers') !== 'several' }
  await platform.send('POST', at`/apps/${app.name}/volumes`, asked)
  return { to: at`/apps/${app.name}/data`, said: `${name} is added; a release makes it known to the dynos.` }
}
