import { area, checkTyped, confirmation, field, submit } from '../../components/form.ts'
import { facts } from '../../components/table.ts'
import { moment } from '../../components/words.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { at } from '../../platform.ts'

export const settings = appPage({
  path: '/settings',
  title: 'Settings',
  listed: true,
  view,
  actions: { rename, maintenance, buildpacks, transfer, cancelTransfer, destroy },
})

type Transfer = { id: string; app: { name: string }; state: string; recipient: { email: string } }
type Pack = { buildpack: { url: string; name: string } }

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app, role, query } = visit
  if (query.get('ask') === 'destroy') return askDestroy(visit)
  const [packs, { protocol }, transfers] = await Promise.all([
    platform.get<Pack[]>(at`/apps/${app.name}/buildpack-installations`),
    platform.get<{ protocol: string }>(at`/apps/${app.name}/edge`),
    platform.list<Transfer>('/account/app-transfers', 'id ..; max=1000'),
  ])
  const manages = role === 'admin' || role === 'owner'
  const offered = transfers.find((one) => one.app.name === app.name && one.state === 'pending')
  return html`
    <h1>Settings</h1>
    <section class="card stack" aria-labelledby="about">
      <h2 id="about">About</h2>
      ${facts([
        ['Address', html`<a href="${app.web_url}" rel="noreferrer">${app.web_url}</a>`],
        ['Git', html`<code>${app.git_url}</code>`],
        ['Owner', app.owner.email],
        ['Made', moment(app.created_at)],
        ['Stack', app.build_stack.name],
        ['Protocol', protocol],
      ])}
    </section>
    ${role === 'view' ? nothing : maintenanceCard(visit)} ${role === 'view' ? nothing : packsCard(visit, packs)}
    ${manages ? renameCard(visit) : nothing} ${role === 'owner' ? transferCard(visit, offered) : nothing}
    ${
      manages
        ? html`<section class="card stack" aria-labelledby="destroy">
            <h2 id="destroy">Destroy</h2>
            <p>The app, its releases, its config vars, its repository, its add-ons and its log are gone then.</p>
            <p><a class="button" href="?ask=destroy">Destroy ${app.name}…</a></p>
          </section>`
        : nothing
    }
  `
}

function maintenanceCard({ app, here, token }: AppVisit): Html {
  return html`<form method="post" action="${here}" class="card stack">
    <h2>Maintenance</h2>
    ${token}
    <p>
      ${app.maintenance ? 'It is on: visitors get a page that says so.' : 'It is off. When it is on, visitors get a page that says so, and dynos keep running.'}
    </p>
    <p>${submit(app.maintenance ? 'Turn it off' : 'Turn it on', 'maintenance', 'plain')}</p>
  </form>`
}

function packsCard({ form, here, token }: AppVisit, packs: Pack[]): Html {
  const value = form.get('packs') ?? packs.map(({ buildpack }) => buildpack.url).join('\n')
  return html`<form method="post" action="${here}" class="card stack">
    <h2>Buildpacks</h2>
    ${token}
    ${area({ name: 'packs', label: 'One a line, in their order', value, rows: 3, help: 'Empty: each build finds out. They count from the next build on.' })}
    <p>${submit('Set the buildpacks', 'buildpacks', 'plain')}</p>
  </form>`
}

function renameCard({ app, form, here, token }: AppVisit): Html {
  return html`<form method="post" action="${here}" class="card stack narrow">
    <h2>Rename</h2>
    ${token}
    ${field({ name: 'name', label: 'New name', value: form.get('name') ?? app.name, required: true, autocomplete: 'off', help: 'Its address and its git remote change with it.' })}
    <p>${submit('Rename', 'rename', 'plain')}</p>
  </form>`
}

function transferCard({ form, here, token }: AppVisit, offered: Transfer | undefined): Html {
  if (offered) {
    return html`<form method="post" action="${here}" class="card stack">
      <h2>Transfer</h2>
      ${token}
      <p>It is offered to ${offered.recipient.email}, who has not answered yet.</p>
      <p>${submit('Take the offer back', 'cancelTransfer', 'plain')}</p>
    </form>`
  }
  return html`<form method="post" action="${here}" class="card stack narrow">
    <h2>Transfer</h2>
    ${token}
    ${field({ name: 'recipient', label: 'Email of the new owner', type: 'email', value: form.get('recipient') ?? '', required: true, help: 'They accept it with paas transfers:accept. You stay an admin of the app.' })}
    <p>${submit('Offer the app', 'transfer', 'plain')}</p>
  </form>`
}

async function askDestroy({ platform, app, token }: AppVisit): Promise<Html> {
  const volumes = await platform.get<{ name: string }[]>(at`/apps/${app.name}/volumes`)
  const names = volumes.map(({ name }) => name).join(', ')
  const path = at`/dashboard/apps/${app.name}/settings`
  return html`
    <h1>Destroy ${app.name}</h1>
    ${confirmation({
      title: `Destroy ${app.name} for good?`,
      consequences: [
        'Its dynos stop, and its address answers nobody.',
        'Releases, config vars, the git repository, add-ons with their data, domains and the log are removed.',
        ...(volumes.length > 0 ? [`All data of its volumes is removed: ${names}.`] : []),
        'Nothing of it can be brought back, but from a backup of the server.',
      ],
      action: 'destroy',
      button: `Destroy ${app.name}`,
      danger: true,
      typed: app.name,
      token,
      here: `${path}?ask=destroy`,
      back: path,
    })}
  `
}

async function rename({ platform, app, form }: AppVisit): Promise<Done> {
  const name = (form.get('name') ?? '').trim()
  await platform.send('PATCH', at`/apps/${app.name}`, { name })
  return { to: at`/apps/${name}/settings`, said: `It is called ${name} now. Git remotes need its new address.` }
}

async function maintenance({ platform, app }: AppVisit): Promise<Done> {
  await platform.send('PATCH', at`/apps/${app.name}`, { maintenance: !app.maintenance })
  return { to: at`/apps/${app.name}/settings`, said: `Maintenance is ${app.maintenance ? 'off' : 'on'}.` }
}

async function buildpacks({ platform, app, form }: AppVisit): Promise<Done> {
  const names = (form.get('packs') ?? '').split('\n').map((line) => line.trim())
  const updates = names.filter(Boolean).map((buildpack) => ({ buildpack }))
  await platform.send('PUT', at`/apps/${app.name}/buildpack-installations`, { updates })
  return { to: at`/apps/${app.name}/settings`, said: 'The buildpacks are set. They count from the next build on.' }
}

async function transfer({ platform, app, form }: AppVisit): Promise<Done> {
  const recipient = (form.get('recipient') ?? '').trim()
  await platform.send('POST', '/account/app-transfers', { app: app.name, recipient })
  return { to: at`/apps/${app.name}/settings`, said: `The app is offered to ${recipient}.` }
}

async function cancelTransfer({ platform, app }: AppVisit): Promise<Done> {
  await platform.send('DELETE', at`/account/app-transfers/${app.name}`)
  return { to: at`/apps/${app.name}/settings`, said: 'The offer is taken back.' }
}

async function destroy({ platform, app, form }: AppVisit): Promise<Done> {
  checkTyped(form, app.name)
  await platform.send('DELETE', at`/apps/${app.name}?volumes=destroy`)
  return { to: '/apps', said: `${app.name} is destroyed.` }
}
