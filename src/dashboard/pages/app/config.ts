import { area, confirmation, field, hidden, submit } from '../../components/form.ts'
import { dataTable, empty } from '../../components/table.ts'
import { html, nothing, type Html } from '../../html.ts'
import { parseDotenv } from '../../../model/dotenv.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { ApiRefusal, at } from '../../platform.ts'

export const config = appPage({
  path: '/config',
  title: 'Config',
  listed: true,
  role: 'deploy',
  view,
  actions: { set, paste, unset },
})

type Var = { key: string; value: string }

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app, query, here } = visit
  const vars = await platform.get<Record<string, string>>(at`/apps/${app.name}/config-vars`)
  const path = here.split('?')[0] ?? here
  const chosen = query.getAll('key').filter((key) => Object.hasOwn(vars, key))
  if (query.get('ask') === 'unset' && chosen.length > 0) return askUnset(visit, path, chosen)
  const rows = Object.entries(vars).map(([key, value]) => ({ key, value }))
  return html`
    <div class="title">
      <h1>Config</h1>
      ${rows.length === 0 ? nothing : toggle(query, path)}
    </div>
    <p class="quiet">
      The app's environment. A change makes a release: new dynos start with it, and what serves goes on until they
      answer.
    </p>
    ${rows.length === 0 ? empty('No config vars', 'Set one below, or paste the content of a .env file.') : list(rows, query, path)}
    <div class="columns">${setForm(visit, vars, path)} ${pasteForm(visit, path)}</div>
  `
}

function toggle(query: URLSearchParams, path: string): Html {
  return query.get('show') === '*'
    ? html`<a class="button" href="${path}">Hide values</a>`
    : html`<a class="button" href="${path}?show=*">Show all values</a>`
}

function list(rows: Var[], query: URLSearchParams, path: string): Html {
  const shown = query.getAll('show')
  const columns = [
    {
      title: 'Key',
      cell: ({ key }: Var) =>
        html`<label class="check"><input type="checkbox" name="key" value="${key}" /> <code>${key}</code></label>`,
    },
    { title: 'Value', cell: (row: Var) => valueOf(row, shown, path) },
    {
      title: 'Change',
      cell: ({ key }: Var) =>
        html`<a href="${path}?edit=${encodeURIComponent(key)}#set">Edit<span class="unseen"> ${key}</span></a>`,
    },
  ]
  return html`<form action="${path}" class="stack">
    ${hidden('ask', 'unset')} ${dataTable('Config vars', columns, rows)}
    <p><button class="danger">Unset those that are ticked</button></p>
  </form>`
}

function valueOf({ key, value }: Var, shown: string[], path: string): Html {
  if (!shown.includes('*') && !shown.includes(key)) {
    return html`<span class="quiet">hidden</span>
      <a href="${path}?show=${encodeURIComponent(key)}">Show<span class="unseen"> ${key}</span></a>`
  }
  if (value === '') return html`<span class="quiet">empty</span>`
  return html`<pre class="value" id="value-${key}">${value}</pre>`
}

function setForm({ query, form, token }: AppVisit, vars: Record<string, string>, path: string): Html {
  const key = form.get('name') ?? query.get('edit') ?? ''
  const present = Object.hasOwn(vars, key) ? (vars[key] ?? '') : ''
  const value = form.get('value') ?? present
  return html`<form method="post" action="${path}" class="card stack" id="set">
    <h2>${Object.hasOwn(vars, key) ? 'Change one' : 'Set one'}</h2>
    ${token} ${field({ name: 'name', label: 'Key', value: key, required: true, autocomplete: 'off' })}
    ${area({ name: 'value', label: 'Value', value, rows: 4, help: present.includes('\r') ? carriage : exact })}
    <p>${submit('Set', 'set')}</p>
  </form>`
}

const exact = 'Kept as it is, with its line breaks.'
const carriage =
  'This value has carriage returns, which a browser cannot send: they would be lost. Use paas config:set KEY=- instead.'

function pasteForm({ form, token }: AppVisit, path: string): Html {
  return html`<form method="post" action="${path}" class="card stack">
    <h2>Paste a .env file</h2>
    ${token}
    ${area({
      name: 'file',
      label: 'Lines of KEY=value',
      value: form.get('file') ?? '',
      rows: 7,
      help: 'Comments are passed over. All are set in one release; others stay.',
      placeholder: 'LOG_LEVEL=debug',
    })}
    <p>${submit('Set all of them', 'paste')}</p>
  </form>`
}

function askUnset({ app, token }: AppVisit, path: string, keys: string[]): Html {
  return html`
    <h1>Unset config vars</h1>
    ${confirmation({
      title:
        keys.length === 1 ? `Unset ${keys[0]} of ${app.name}?` : `Unset ${keys.length} config vars of ${app.name}?`,
      consequences: [
        html`${keys.map((key, at) => html`${at > 0 ? ', ' : ''}<code>${key}</code>`)} will be gone from its environment.`,
        'A release is made: new dynos start without it, and what serves goes on until they answer.',
        'A rollback brings the values back.',
      ],
      action: 'unset',
      button: 'Unset',
      danger: true,
      fields: { keys: keys.join(' ') },
      token,
      here: path,
      back: path,
    })}
  `
}

async function set({ platform, app, form }: AppVisit): Promise<Done> {
  const key = (form.get('name') ?? '').trim()
  await change({ platform, app }, { [key]: asTyped(form.get('value') ?? '') })
  return { to: at`/apps/${app.name}/config`, said: `${key} is set.` }
}

async function paste({ platform, app, form }: AppVisit): Promise<Done> {
  const { vars, wrongLine } = parseDotenv(asTyped(form.get('file') ?? ''))
  if (wrongLine !== undefined) {
    throw new ApiRefusal(422, { id: 'config_invalid', message: `Line ${wrongLine} is not KEY=value. Nothing was set.` })
  }
  const keys = Object.keys(vars)
  if (keys.length === 0) throw new ApiRefusal(422, { id: 'config_invalid', message: 'There is no KEY=value in it.' })
  await change({ platform, app }, vars)
  return { to: at`/apps/${app.name}/config`, said: `Set ${keys.join(', ')}.` }
}

async function unset({ platform, app, form }: AppVisit): Promise<Done> {
  const keys = (form.get('keys') ?? '').split(' ').filter(Boolean)
  await change({ platform, app }, Object.fromEntries(keys.map((key) => [key, null])))
  return { to: at`/apps/${app.name}/config`, said: `Unset ${keys.join(', ')}.` }
}

function change(
  { platform, app }: Pick<AppVisit, 'platform' | 'app'>,
  vars: Record<string, string | null>,
): Promise<unknown> {
  return platform.send('PATCH', at`/apps/${app.name}/config-vars`, vars)
}

/** Forms are sent with CR LF at each line break, whatever was typed (HTML, 4.10.21.6). */
function asTyped(text: string): string {
  return text.replaceAll('\r\n', '\n')
}
