import { downloadPage } from '../../components/download-page.ts'
import { checkTyped, confirmation, hidden } from '../../components/form.ts'
import { dataTable, empty } from '../../components/table.ts'
import { badge, bytes, moment } from '../../components/words.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { at } from '../../platform.ts'

export const addonBackups = appPage({
  path: '/backups',
  title: 'Backups',
  listed: true,
  role: 'deploy',
  view,
  actions: { backUp, download, restore, cancel, remove },
})

type Addon = { name: string; app: { id: string }; state: string }
/** As the data API has them: times are `2026-11-27 14:03:07 +0000`. */
type Transfer = {
  uuid: string
  num: number
  from_name: string
  from_type: string
  to_name: string
  to_type: string
  to_url: string | null
  processed_bytes: number
  succeeded: boolean
  schedule: object | null
  created_at: string
  started_at: string | null
  finished_at: string | null
  canceled_at: string | null
}

const pathOf = (app: string): string => at`/client/v11/apps/${app}/transfers`

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app, query } = visit
  const [addons, transfers] = await Promise.all([
    platform.list<Addon>(at`/apps/${app.name}/addons`, 'name ..; max=1000'),
    platform.get<Transfer[]>(pathOf(app.name)),
  ])
  const own = addons.filter((addon) => addon.app.id === app.id && addon.state === 'provisioned')
  const chosen = transfers.find(({ num, to_url: url }) => String(num) === query.get('restore') && url !== null)
  if (chosen) return askRestore(visit, chosen)
  const newestFirst = transfers.toSorted((one, other) => other.num - one.num)
  return html`
    <h1>Backups</h1>
    <p class="quiet">Of the app's add-ons. Each is read back before it counts. Volumes have theirs on the page Data.</p>
    ${own.length === 0 ? nothing : html`<div class="buttons">${own.map((addon) => backUpForm(visit, addon))}</div>`}
    <div id="backups" data-live>
      ${
        transfers.length === 0
          ? empty(
              'No backups yet',
              own.length === 0 ? 'The app has no add-on that could be backed up.' : 'Make the first one above.',
            )
          : dataTable('Backups, restores and copies', columns(visit), newestFirst)
      }
    </div>
  `
}

function backUpForm({ here, token }: AppVisit, { name }: Addon): Html {
  return html`<form method="post" action="${here}">
    ${token} ${hidden('addon', name)} <button name="do" value="backUp">Back ${name} up now</button>
  </form>`
}

function columns(visit: AppVisit) {
  return [
    { title: 'What', cell: what },
    { title: 'State', cell: stateOf },
    { title: 'Size', number: true, cell: ({ processed_bytes: size }: Transfer) => (size > 0 ? bytes(size) : nothing) },
    { title: 'Begun', cell: ({ created_at: when }: Transfer) => moment(isoOf(when)) },
    { title: 'Action', cell: (one: Transfer) => actions(visit, one) },
  ]
}

function what({ num, from_name: from, to_name: to, to_url: url, from_type: kind, schedule }: Transfer): Html {
  const text =
    url !== null ? `Backup of ${from}` : kind === 'gof3r' ? `Restore of ${from} into ${to}` : `Copy of ${from} to ${to}`
  return html`<strong>${num}</strong> ${text} ${schedule ? html`<span class="quiet">of the schedule</span>` : nothing}`
}

function stateOf({ succeeded, canceled_at: ended, finished_at: over, started_at: begun }: Transfer): Html {
  if (succeeded) return badge('complete', 'good')
  if (ended !== null) return badge('cancelled', 'idle')
  if (over !== null) return badge('failed', 'bad')
  return begun === null ? badge('waiting', 'busy') : badge('running', 'busy')
}

function actions({ here, token }: AppVisit, { num, uuid, to_url: url, succeeded, finished_at: over }: Transfer): Html {
  const button = (action: string, text: string): Html =>
    html`<button class="plain" name="do" value="${action}">${text}<span class="unseen"> ${num}</span></button>`
  return html`<form method="post" action="${here}" class="buttons">
    ${token} ${hidden('transfer', uuid)} ${over === null ? button('cancel', 'Cancel') : nothing}
    ${succeeded && url !== null ? html`${button('download', 'Download')} <a href="?restore=${num}">Restore<span class="unseen"> ${num}</span></a>` : nothing}
    ${over === null ? nothing : button('remove', 'Delete')}
  </form>`
}

/** `2026-11-27 14:03:07 +0000` */
function isoOf(stamp: string): string {
  return `${stamp.slice(0, 10)}T${stamp.slice(11, 19)}Z`
}

function askRestore(
  { app, token }: AppVisit,
  { num, from_name: addon, to_url: url, created_at: made }: Transfer,
): Html {
  const path = `/dashboard${at`/apps/${app.name}/backups`}`
  return html`
    <h1>Restore a backup</h1>
    ${confirmation({
      title: `Put backup ${num} into ${addon}?`,
      consequences: [
        html`What is in ${addon} now is replaced by what was in it at ${moment(isoOf(made))}.`,
        'Back it up first, if anything of it may be needed.',
        'The app keeps running meanwhile. Turn maintenance on first, if it must not see a part of it.',
      ],
      action: 'restore',
      button: 'Restore',
      danger: true,
      fields: { addon, source: url ?? '' },
      typed: addon,
      token,
      here: `${path}?restore=${num}`,
      back: path,
    })}
  `
}

async function backUp({ platform, app, form }: AppVisit): Promise<Done> {
  const addon = form.get('addon') ?? ''
  const made = await platform.send<Transfer>('POST', at`/client/v11/databases/${addon}/backups`)
  return { to: at`/apps/${app.name}/backups`, said: `Backup ${made.num} of ${addon} is begun.` }
}

async function download({ platform, app, form }: AppVisit): Promise<Done> {
  const path = `${pathOf(app.name)}${at`/${form.get('transfer') ?? ''}`}/actions/public-url`
  const { url, expires_at: until } = await platform.send<{ url: string; expires_at: string }>('POST', path)
  const back = `/dashboard${at`/apps/${app.name}/backups`}`
  return { page: downloadPage({ url, until, back, file: `${app.name}.dump` }) }
}

async function restore({ platform, app, form }: AppVisit): Promise<Done> {
  const [addon, source] = [form.get('addon') ?? '', form.get('source') ?? '']
  checkTyped(form, addon)
  await platform.send('POST', at`/client/v11/databases/${addon}/restores`, { backup_url: source })
  return { to: at`/apps/${app.name}/backups`, said: `The restore into ${addon} is begun.` }
}

async function cancel({ platform, app, form }: AppVisit): Promise<Done> {
  await platform.send('POST', `${pathOf(app.name)}${at`/${form.get('transfer') ?? ''}`}/actions/cancel`)
  return { to: at`/apps/${app.name}/backups`, said: 'It is being cancelled.' }
}

async function remove({ platform, app, form }: AppVisit): Promise<Done> {
  await platform.send('DELETE', `${pathOf(app.name)}${at`/${form.get('transfer') ?? ''}`}`)
  return { to: at`/apps/${app.name}/backups`, said: 'It is deleted.' }
}
