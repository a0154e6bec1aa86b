import { checkTyped, confirmation, field, hidden, select, submit } from '../../components/form.ts'
import { empty, facts, tableOr } from '../../components/table.ts'
import { downloadPage } from '../../components/download-page.ts'
import { badge, bytes, moment } from '../../components/words.ts'
import type { ShownCopy, ShownVolume } from '../../data-shapes.ts'
import type { ToldFilling } from '../../../model/volume-copy.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { ApiRefusal, at } from '../../platform.ts'
import { usedOf } from './data.ts'

export const volume = appPage({
  path: '/data/volumes/:volume',
  title: 'Volume',
  listed: false,
  view,
  actions: { backUp, restore, fork, exchange, download, destroy },
})

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app, role, query } = visit
  const path = at`/apps/${app.name}`
  const [volumes, all] = await Promise.all([
    platform.get<ShownVolume[]>(`${path}/volumes`),
    platform.get<ShownCopy[]>(`${path}/volume-copies`),
  ])
  const name = nameOf(visit)
  const one = volumes.find((each) => each.name === name)
  const copies = all.filter(({ volume: of, into }) => of.name === name || into?.name === name)
  if (!one && copies.length === 0) {
    throw new ApiRefusal(404, { id: 'not_found', message: `${app.name} has no volume ${name}.` })
  }
  const chosen = copies.find(({ id, kind }) => kind === 'backup' && id === query.get('restore'))
  if (chosen) return askRestore(visit, chosen, one !== undefined)
  const others = volumes.filter((each) => each.name !== name).map((each) => each.name)
  const other = others.find((each) => each === query.get('switch'))
  if (other !== undefined) return askExchange(visit, other)
  if (query.get('ask') === 'destroy' && one) return askDestroy(visit, one)
  return html`
    <div class="title">
      <h1>${name}</h1>
      ${one && (role === 'admin' || role === 'owner') ? html`<a class="button" href="?ask=destroy">Destroy…</a>` : nothing}
    </div>
    <div id="volume" data-live>${one ? about(one) : html`<p>The volume is gone; its backups are kept.</p>`}</div>
    ${role === 'view' || !one ? nothing : forms(visit, others)}
    <section class="stack" aria-labelledby="copies">
      <h2 id="copies">Backups and copies</h2>
      ${where(copies)}
      <div id="copy-list" data-live>${tableOr(noCopies, 'Backups and copies', columns(visit), copies)}</div>
    </section>
  `
}

const noCopies = empty('No backups yet', 'The server makes one each day; the first can be made now.')

function nameOf({ params }: AppVisit): string {
  return params['volume'] ?? ''
}

function pageOf(visit: AppVisit): string {
  return at`/apps/${visit.app.name}/data/volumes/${nameOf(visit)}`
}

function about(one: ShownVolume): Html {
  const { mount, types, single_writer: single, created_at: since } = one
  return html`<section class="card stack" aria-label="About">
    ${facts([
      ['Directory', html`<code>${mount}</code>`],
      ['Of', types.length === 0 ? 'one-off dynos' : types.join(', ')],
      ['Writers', types.length === 0 ? null : single ? 'one dyno at a time' : 'several dynos at once'],
      ['Used', usedOf(one)],
      ['Filled from', one.filled_from && filledFrom(one.filled_from)],
      ['Since', moment(since)],
    ])}
  </section>`
}

function filledFrom({ kind, volume: of, backup, as_of: at }: ToldFilling): Html {
  const what = kind === 'upload' ? 'an upload' : of.name
  return html`${backup ? html`backup <code>${backup.id.slice(0, 8)}</code> of ` : nothing}${what}, as of
  ${moment(at, 'seconds')}`
}

function forms({ form, here, token }: AppVisit, others: string[]): Html {
  return html`<div class="columns">
    <form method="post" action="${here}" class="card stack">
      <h2>Back it up</h2>
      ${token}
      <p>Dynos that may write to it are paused for the moment of the copy. The server does so each day as well.</p>
      <p>${submit('Back up now', 'backUp')}</p>
    </form>
    <form method="post" action="${here}" class="card stack">
      <h2>Fork it</h2>
      ${token}
      ${field({ name: 'name', label: 'Name of the new volume', value: form.get('name') ?? '', autocomplete: 'off', help: 'A copy of what is in it now, which one-off dynos have at /volumes/NAME. Empty: it is made up.' })}
      <p>${submit('Fork', 'fork', 'plain')}</p>
    </form>
    ${
      others.length === 0
        ? nothing
        : html`<form action="${here.split('?')[0] ?? here}" class="card stack">
            <h2>Switch it</h2>
            ${select({ name: 'switch', label: 'With what is in', options: others.map((name) => [name, name] as const) })}
            <p><button class="plain">Switch…</button></p>
          </form>`
    }
  </div>`
}

function where(copies: ShownCopy[]): Html {
  const [newest] = copies.filter(({ kind }) => kind === 'backup')
  if (!newest || newest.survives_disk) return nothing
  return html`<p class="quiet">Backups are in the server's data directory, and lost with its disk.</p>`
}

function columns(visit: AppVisit) {
  return [
    { title: 'What', cell: what },
    { title: 'State', cell: stateOf },
    { title: 'Files', number: true, cell: ({ files }: ShownCopy) => files },
    { title: 'Size', number: true, cell: ({ bytes: size }: ShownCopy) => (size === null ? '' : bytes(size)) },
    { title: 'When', cell: ({ created_at: when }: ShownCopy) => moment(when) },
    ...(visit.role === 'view' ? [] : [{ title: 'Action', cell: (copy: ShownCopy) => actions(visit, copy) }]),
  ]
}

function what({ kind, id, volume: of, into, trigger }: ShownCopy): Html {
  const titles = { backup: 'Backup', restore: 'Restore', fork: 'Fork', upload: 'Upload' }
  return html`<strong>${titles[kind]}</strong>
    <code>${id.slice(0, 8)}</code> ${into ? `of ${of.name} into ${into.name}` : ''}
    ${trigger === 'daily' ? html`<span class="quiet">of the schedule</span>` : nothing}`
}

function stateOf({ status, reason, proven_at: proven, still }: ShownCopy): Html {
  if (status === 'failed') return html`${badge('failed', 'bad')} ${reason ?? ''}`
  if (status !== 'succeeded') return badge(status === 'pending' ? 'waiting' : 'running', 'busy')
  return html`${proven === null ? badge('complete', 'good') : html`${badge('proven', 'good')} ${moment(proven)}`}
  ${still === false ? html`<span class="quiet">written to meanwhile</span>` : nothing}`
}

function actions({ here, token }: AppVisit, { id, kind, status }: ShownCopy): Html {
  if (kind !== 'backup' || status !== 'succeeded') return nothing
  const which = html`<span class="unseen"> ${id.slice(0, 8)}</span>`
  return html`<form method="post" action="${here}" class="buttons">
    ${token} ${hidden('copy', id)}
    <button class="plain" name="do" value="download">Download${which}</button>
    <a href="?restore=${id}">Restore${which}</a>
  </form>`
}

function askRestore(visit: AppVisit, { id, created_at: when }: ShownCopy, isThere: boolean): Html {
  const path = `/dashboard${pageOf(visit)}`
  const name = nameOf(visit)
  return html`
    <h1>Restore a backup</h1>
    ${confirmation({
      title: `Restore ${name} of ${visit.app.name}?`,
      consequences: [
        html`A new volume gets what was in it at ${moment(when)}. One-off dynos have it at <code>/volumes/NAME</code>.`,
        'The volume itself stays as it is, until the two are switched.',
      ],
      action: 'restore',
      button: 'Restore',
      fields: { backup: id },
      choices: html`${field({ name: 'name', label: 'Name of the new volume', value: visit.form.get('name') ?? '', autocomplete: 'off', help: 'Empty: it is made up.' })}
      ${
        isThere
          ? html`<label class="check"
              ><input type="checkbox" name="switch" value="yes" /> Switch them at once: a release gives the dynos what
              is restored, and the new volume what they had</label
            >`
          : nothing
      }`,
      token: visit.token,
      here: path,
      back: path,
    })}
  `
}

function askExchange(visit: AppVisit, other: string): Html {
  const path = `/dashboard${pageOf(visit)}`
  return html`
    <h1>Switch two volumes</h1>
    ${confirmation({
      title: `Give ${nameOf(visit)} what is in ${other}, and the other way round?`,
      consequences: [
        'A release is made, whose dynos find the other data at the same place.',
        'If they do not boot, both have again what they had. The same again undoes it.',
      ],
      action: 'exchange',
      button: 'Switch',
      fields: { with: other },
      token: visit.token,
      here: path,
      back: path,
    })}
  `
}

function askDestroy(visit: AppVisit, { name, mount }: ShownVolume): Html {
  const path = `/dashboard${pageOf(visit)}`
  return html`
    <h1>Destroy a volume</h1>
    ${confirmation({
      title: `Destroy the volume ${name}?`,
      consequences: [
        html`All files in <code>${mount}</code> are removed.`,
        'A release is made: the new dynos do not have it.',
      ],
      action: 'destroy',
      button: `Destroy ${name}`,
      danger: true,
      typed: name,
      token: visit.token,
      here: `${path}?ask=destroy`,
      back: path,
    })}
  `
}

function ask(visit: AppVisit, asked: object): Promise<ShownCopy> {
  const { platform, app, form } = visit
  const name = (form.get('name') ?? '').trim()
  const body = { ...asked, volume: nameOf(visit), ...(name === '' ? {} : { name }) }
  return platform.send<ShownCopy>('POST', at`/apps/${app.name}/volume-copies`, body)
}

async function backUp(visit: AppVisit): Promise<Done> {
  const { id } = await ask(visit, { kind: 'backup' })
  return { to: pageOf(visit), said: `Backup ${id.slice(0, 8)} is begun.` }
}

async function fork(visit: AppVisit): Promise<Done> {
  const { into } = await ask(visit, { kind: 'fork' })
  return { to: pageOf(visit), said: `${into?.name} is being made of what is in it now.` }
}

async function restore(visit: AppVisit): Promise<Done> {
  const { form } = visit
  const switches = form.get('switch') !== null
  const asked = { kind: 'restore', backup: form.get('backup') ?? '', ...(switches ? { switch: true } : {}) }
  const { into } = await ask(visit, asked)
  return { to: pageOf(visit), said: `The backup is being restored into ${into?.name}.` }
}

async function exchange(visit: AppVisit): Promise<Done> {
  const { platform, app, form } = visit
  const other = form.get('with') ?? ''
  const path = at`/apps/${app.name}/volumes/${nameOf(visit)}/actions/switch`
  await platform.send('POST', path, { with: other })
  return { to: pageOf(visit), said: `A release gives each of them what is in the other.` }
}

async function download(visit: AppVisit): Promise<Done> {
  const { platform, app, form } = visit
  const path = at`/apps/${app.name}/volume-copies/${form.get('copy') ?? ''}/actions/public-url`
  const { url, expires_at: until } = await platform.send<{ url: string; expires_at: string }>('POST', path)
  return {
    page: downloadPage({ url, until, back: `/dashboard${pageOf(visit)}`, file: `${app.name}-${nameOf(visit)}.tar` }),
  }
}

async function destroy(visit: AppVisit): Promise<Done> {
  const { platform, app, form } = visit
  const name = nameOf(visit)
  checkTyped(form, name)
  await platform.send('DELETE', at`/apps/${app.name}/volumes/${name}?confirm=${name}`)
  return { to: at`/apps/${app.name}/data`, said: `${name} is destroyed.` }
}
