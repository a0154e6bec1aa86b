import { backupFacts } from '../../components/backup-facts.ts'
import { checkTyped, confirmation, field, submit } from '../../components/form.ts'
import { empty, facts, tableOr } from '../../components/table.ts'
import { badge, bytes, moment } from '../../components/words.ts'
import type { ShownAddon, ShownAttachment, ShownBackups } from '../../data-shapes.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { at } from '../../platform.ts'
import { addonBadge } from './data.ts'

export const addon = appPage({
  path: '/data/addons/:addon',
  title: 'Add-on',
  listed: false,
  view,
  actions: { restore, prove, promote, destroy },
})

/** Its attachment decides which database `DATABASE_URL` leads to. */
const primary = 'DATABASE'

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app, query } = visit
  const path = at`/apps/${app.name}`
  const one = await findAddon(visit)
  const [backups, attachments] = await Promise.all([
    platform.find<ShownBackups>(at`/addons/${one.id}/backups`),
    platform.get<ShownAttachment[]>(`${path}/addon-attachments`),
  ])
  if (query.get('ask') === 'destroy') return askDestroy(visit, one)
  if (query.get('ask') === 'promote') return askPromote(visit, one, attachments)
  const own = attachments.filter((attachment) => attachment.addon.id === one.id)
  return html`
    <div class="title">
      <h1>${one.name}</h1>
      <div class="buttons" id="addon-actions" data-live>${links(visit, one, attachments)}</div>
    </div>
    <div id="addon" data-live class="columns">
      <section class="card stack" aria-labelledby="about">
        <h2 id="about">About ${addonBadge(one)}</h2>
        ${one.provision_message ? html`<p class="alert">${one.provision_message}</p>` : nothing}
        ${facts([
          ['Plan', one.plan.name],
          ['Attached as', own.map(({ name }) => name).join(', ')],
          [
            'Config vars',
            one.config_vars.length > 0 ? html`${one.config_vars.map((key) => html`<code>${key}</code> `)}` : 'none',
          ],
          ['App', one.app.id === app.id ? null : one.app.name],
          ['Made from', madeFrom(app.name, one)],
          ['Since', moment(one.created_at)],
        ])}
      </section>
      ${
        backups
          ? html`<section class="card stack" aria-labelledby="kept">
              <h2 id="kept">Backups</h2>
              ${backupFacts(backups)}
            </section>`
          : nothing
      }
    </div>
    ${mayRestore(visit, one) && backups ? restoring(visit, one, backups) : nothing}
    ${
      backups && backups.kind !== 'none'
        ? html`<section class="stack" aria-labelledby="list">
            <h2 id="list">What is kept</h2>
            <div id="kept-list" data-live>${tableOr(noBackups, 'Backups', backupColumns, backups.backups)}</div>
          </section>`
        : nothing
    }
    <p class="quiet">
      Dumps that can be downloaded, restored and copied are on the page
      <a href="/dashboard${path}/backups">Backups</a>.
    </p>
  `
}

/** Which add-on, and what of it: another one is not linked to when it is gone. */
function madeFrom(app: string, { forked_from: origin, created_at: made }: ShownAddon): Html | null {
  if (!origin) return null
  const { name } = origin.addon
  const which =
    name === null ? 'an add-on that is gone' : html`<a href="/dashboard${pageOf({ name: app }, name)}">${name}</a>`
  if (origin.before_xid !== null) return html`${which}, before transaction ${origin.before_xid}`
  return html`${which}, as of ${moment(origin.at === null || origin.at === 'latest' ? made : origin.at, 'seconds')}`
}

const noBackups = empty('No backups yet', 'The first is made within minutes.')

const backupColumns = [
  { title: 'Backup', cell: ({ name }: Kept) => html`<strong>${name ?? ''}</strong>` },
  { title: 'Kind', cell: ({ kind }: Kept) => (kind === 'diff' ? 'what changed' : kind) },
  { title: 'State', cell: ({ status, reason }: Kept) => html`${badge(status, toneOf(status))} ${reason ?? ''}` },
  { title: 'Begun', cell: ({ started_at: when }: Kept) => moment(when) },
  { title: 'Size', number: true, cell: ({ bytes: size }: Kept) => (size === null ? '' : bytes(size)) },
]
type Kept = ShownBackups['backups'][number]

function toneOf(status: string) {
  return status === 'succeeded' ? 'good' : status === 'failed' ? 'bad' : 'busy'
}

function findAddon({ platform, app, params }: AppVisit): Promise<ShownAddon> {
  return platform.get<ShownAddon>(at`/apps/${app.name}/addons/${params['addon'] ?? ''}`)
}

function pageOf({ name }: { name: string }, addonName: string): string {
  return at`/apps/${name}/data/addons/${addonName}`
}

/** What changes an add-on is up to the app whose it is. */
function mayRestore({ app, role }: AppVisit, one: ShownAddon): boolean {
  return role !== 'view' && one.app.id === app.id && one.state === 'provisioned'
}

function links(visit: AppVisit, one: ShownAddon, attachments: ShownAttachment[]): Html {
  const { app, role } = visit
  if (role === 'view' || one.app.id !== app.id) return nothing
  const current = attachments.find(({ name }) => name === primary)
  const mayServe = one.config_vars.some((key) => key.endsWith('_URL')) && /sql/.test(one.addon_service.name)
  return html`${
    mayServe && one.state === 'provisioned' && current?.addon.id !== one.id
      ? html`<a class="button main" href="?ask=promote">Promote…</a>`
      : nothing
  }
  ${role === 'deploy' ? nothing : html`<a class="button" href="?ask=destroy">Destroy…</a>`}`
}

function restoring({ form, here, token }: AppVisit, one: ShownAddon, backups: ShownBackups): Html {
  if (!backups.provable) return nothing
  return html`<div class="columns">
    ${backups.window ? restoreForm({ form, here, token }, one, backups.window) : nothing}
    <form method="post" action="${here}" class="card stack">
      <h2>Prove it</h2>
      ${token}
      <p>The newest backup is restored into a throw-away container and checked. The server does so every night.</p>
      <p>${submit('Prove the newest now', 'prove', 'plain')}</p>
    </form>
  </div>`
}

function restoreForm(
  { form, here, token }: Pick<AppVisit, 'form' | 'here' | 'token'>,
  { addon_service: { name: service } }: ShownAddon,
  { from, to }: { from: string; to: string },
): Html {
  return html`<form method="post" action="${here}" class="card stack">
    <h2>Restore to a moment</h2>
    ${token}
    <p>
      Makes a new database of what this one was, which stays as it is. Look at the new one, then promote it. Any moment
      from ${moment(from)} on.
    </p>
    ${field({
      name: 'at',
      label: 'Moment (UTC)',
      type: 'datetime-local',
      value: form.get('at') ?? to.slice(0, 19),
      help: html`Empty: the latest there is. <span class="local" id="field-at-local"></span>`,
    })}
    ${field({
      name: 'before_xid',
      label: 'Or just before this transaction',
      value: form.get('before_xid') ?? '',
      pattern: '[1-9][0-9]{0,9}',
      help: `${numberOf(service)}. The moment above does not count then.`,
    })}
    <p>${submit('Restore into a new one', 'restore')}</p>
  </form>`
}

function numberOf(service: string): string {
  return service === 'mysql'
    ? 'The last part of its GTID, as SELECT @@last_gtid gives it'
    : 'Its number, as pg_current_xact_id() gives it'
}

async function restore(visit: AppVisit): Promise<Done> {
  const { platform, app, form } = visit
  const { id, name } = await findAddon(visit)
  const [entered, xid] = [(form.get('at') ?? '').trim(), (form.get('before_xid') ?? '').trim()]
  // Browsers leave seconds out that are 0.
  const moment = /T\d\d:\d\d$/.test(entered) ? `${entered}:00` : entered
  const asked = xid === '' ? { at: moment === '' ? 'latest' : moment } : { before_xid: xid }
  const made = await platform.send<ShownAddon>('POST', at`/addons/${id}/actions/restore`, asked)
  const when =
    xid === '' ? (moment === '' ? 'of now' : `of ${moment.replace('T', ' ')} UTC`) : `before transaction ${xid}`
  return {
    to: pageOf(app, made.name),
    said: `${made.name} is being made: ${name} as ${when}. Once it is provisioned, look at it, then promote it.`,
  }
}

async function prove(visit: AppVisit): Promise<Done> {
  const { id, name } = await findAddon(visit)
  await visit.platform.send('POST', at`/addons/${id}/actions/prove`)
  return { to: pageOf(visit.app, name), said: 'It is being proven; what comes of it shows under Backups.' }
}

function askPromote({ app, token }: AppVisit, { name }: ShownAddon, attachments: ShownAttachment[]): Html {
  const current = attachments.find((one) => one.name === primary)
  const path = `/dashboard${pageOf(app, name)}`
  return html`
    <h1>Promote ${name}</h1>
    ${confirmation({
      title: `Make ${name} the database of ${app.name}?`,
      consequences: [
        'DATABASE_URL leads to it from then on. A release is made, and the dynos start again with it.',
        ...(current
          ? [
              `${current.addon.name} stays as it is and keeps another name. What is written to it from now on stays there.`,
            ]
          : []),
      ],
      action: 'promote',
      button: `Promote ${name}`,
      token,
      here: path,
      back: path,
    })}
  `
}

/** As `paas pg:promote` does. */
async function promote(visit: AppVisit): Promise<Done> {
  const { platform, app } = visit
  const { id, name } = await findAddon(visit)
  const attached = await platform.get<ShownAttachment[]>(at`/apps/${app.name}/addon-attachments`)
  const current = attached.find((one) => one.name === primary)
  const isKept = attached.some((one) => one.addon.id === current?.addon.id && one.name !== primary)
  if (current && !isKept) await platform.send('POST', '/addon-attachments', { addon: current.addon.id, app: app.name })
  await platform.send('POST', '/addon-attachments', { addon: id, app: app.name, name: primary, confirm: app.name })
  return { to: pageOf(app, name), said: `DATABASE_URL of ${app.name} leads to ${name} now.` }
}

function askDestroy({ app, token }: AppVisit, { name, plan }: ShownAddon): Html {
  const path = `/dashboard${pageOf(app, name)}`
  return html`
    <h1>Destroy an add-on</h1>
    ${confirmation({
      title: `Destroy ${name} (${plan.name})?`,
      consequences: [
        'All its data is removed.',
        'Its config vars go from this app, and from the apps that it is attached to, each with a release.',
      ],
      action: 'destroy',
      button: `Destroy ${name}`,
      danger: true,
      typed: name,
      token,
      here: `${path}?ask=destroy`,
      back: path,
    })}
  `
}

async function destroy(visit: AppVisit): Promise<Done> {
  const { platform, app, form } = visit
  const { name } = await findAddon(visit)
  checkTyped(form, name)
  await platform.send('DELETE', at`/apps/${app.name}/addons/${name}`, { confirm: app.name })
  return { to: at`/apps/${app.name}/data`, said: `${name} is destroyed.` }
}
