import { field, hidden, select, submit } from '../../components/form.ts'
import { dataTable, empty } from '../../components/table.ts'
import { ago, badge, type Tone } from '../../components/words.ts'
import { html, nothing, type Html } from '../../html.ts'
import { resourceOf, webhookEntities } from '../../../model/webhook.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { at } from '../../platform.ts'

export const integrations = appPage({
  path: '/integrations',
  title: 'Webhooks, drains',
  listed: true,
  role: 'deploy',
  view,
  actions: { addWebhook, removeWebhook, addDrain, removeDrain },
})

type Webhook = { id: string; url: string; include: string[]; level: string }
type Delivery = {
  id: string
  created_at: string
  event: { include: string }
  status: string
  num_attempts: number
  last_attempt: { code: number | null; error_class: string | null } | null
  next_attempt_at: string | null
}
type Drain = { id: string; url: string }

/** Deliveries that are shown. */
const most = 20

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app } = visit
  const [webhooks, deliveries, drains] = await Promise.all([
    platform.list<Webhook>(at`/apps/${app.name}/webhooks`, 'created_at ..; max=1000'),
    platform.list<Delivery>(at`/apps/${app.name}/webhook-deliveries`, `created_at ..; order=desc,max=${most}`),
    platform.list<Drain>(at`/apps/${app.name}/log-drains`, 'created_at ..; max=1000'),
  ])
  return html`
    <h1>Webhooks and drains</h1>
    <section class="stack" aria-labelledby="webhooks">
      <h2 id="webhooks">Webhooks</h2>
      ${webhooks.length === 0 ? empty('No webhooks', 'A server of yours that is told when something of the app changes.') : dataTable('Webhooks', webhookColumns(visit), webhooks)}
      ${webhookForm(visit)}
      ${
        deliveries.length === 0
          ? nothing
          : html`<h3>Last deliveries</h3>
              <div id="deliveries" data-live>${dataTable('Last deliveries', deliveryColumns, deliveries)}</div>`
      }
    </section>
    <section class="stack" aria-labelledby="drains">
      <h2 id="drains">Log drains</h2>
      ${drains.length === 0 ? empty('No drains', 'A server of yours that gets each line of the log.') : dataTable('Log drains', drainColumns(visit), drains)}
      ${drainForm(visit)}
    </section>
  `
}

function removeButton({ here, token }: AppVisit, { id, url }: { id: string; url: string }, action: string): Html {
  return html`<form method="post" action="${here}">
    ${token} ${hidden('id', id)}
    <button class="plain" name="do" value="${action}">Remove<span class="unseen"> ${url}</span></button>
  </form>`
}

function webhookColumns(visit: AppVisit) {
  return [
    { title: 'Address', cell: ({ url }: Webhook) => html`<code>${url}</code>` },
    { title: 'Told of', cell: ({ include }: Webhook) => include.join(', ') },
    { title: 'Level', cell: ({ level }: Webhook) => level },
    { title: 'Action', cell: (one: Webhook) => removeButton(visit, one, 'removeWebhook') },
  ]
}

const tones: Record<string, Tone> = { succeeded: 'good', failed: 'bad', retrying: 'busy', pending: 'busy' }

const deliveryColumns = [
  { title: 'Event', cell: ({ event }: Delivery) => event.include },
  { title: 'State', cell: ({ status }: Delivery) => badge(status, tones[status] ?? 'idle') },
  { title: 'Answer', cell: ({ last_attempt: last }: Delivery) => String(last?.code ?? last?.error_class ?? '') },
  { title: 'Attempts', number: true, cell: ({ num_attempts: count }: Delivery) => count },
  { title: 'When', cell: ({ created_at: when }: Delivery) => ago(when) },
]

function webhookForm({ form, here, token }: AppVisit): Html {
  const asked = form.getAll('include')
  const chosen = asked.length > 0 ? asked : ['api:release', 'api:build']
  return html`<form method="post" action="${here}" class="card stack">
    <h3>Add a webhook</h3>
    ${token}
    ${field({ name: 'url', id: 'webhook-url', label: 'Address', value: form.get('url') ?? '', required: true, autocomplete: 'off', placeholder: 'https://example.com/hook' })}
    <fieldset class="choices">
      <legend>Tell it of</legend>
      ${webhookEntities.map(
        (name) =>
          html`<label class="check"
            ><input type="checkbox" name="include" value="${name}" ${chosen.includes(name) ? html`checked` : nothing} />
            ${name === 'dyno' ? 'states of dynos' : resourceOf(name)}</label
          >`,
      )}
    </fieldset>
    ${select({
      name: 'level',
      label: 'Level',
      value: form.get('level') ?? 'notify',
      options: [
        ['notify', 'notify: each event is sent once'],
        ['sync', 'sync: again and again, until it is taken'],
      ],
    })}
    ${field({ name: 'secret', label: 'Secret', type: 'password', autocomplete: 'off', help: 'Signs what is sent. Empty: one is made up, and cannot be shown here.' })}
    <p>${submit('Add the webhook', 'addWebhook')}</p>
  </form>`
}

function drainColumns(visit: AppVisit) {
  return [
    { title: 'Address', cell: ({ url }: Drain) => html`<code>${hidePassword(url)}</code>` },
    {
      title: 'Action',
      cell: ({ id, url }: Drain) => removeButton(visit, { id, url: hidePassword(url) }, 'removeDrain'),
    },
  ]
}

/** What looks over one's shoulder need not see it. */
function hidePassword(url: string): string {
  if (!URL.canParse(url)) return url
  const parsed = new URL(url)
  if (parsed.password !== '') parsed.password = '***'
  return parsed.href
}

function drainForm({ form, here, token }: AppVisit): Html {
  return html`<form method="post" action="${here}" class="card stack">
    <h3>Add a drain</h3>
    ${token}
    ${field({ name: 'drain', label: 'Address', value: form.get('drain') ?? '', required: true, autocomplete: 'off', placeholder: 'syslog+tls://logs.example.com:6514' })}
    <p>${submit('Add the drain', 'addDrain')}</p>
  </form>`
}

async function addWebhook({ platform, app, form }: AppVisit): Promise<Done> {
  const secret = form.get('secret') ?? ''
  const asked = { url: (form.get('url') ?? '').trim(), include: form.getAll('include'), level: form.get('level') ?? '' }
  await platform.send('POST', at`/apps/${app.name}/webhooks`, { ...asked, ...(secret === '' ? {} : { secret }) })
  return { to: at`/apps/${app.name}/integrations`, said: 'The webhook is added.' }
}

async function removeWebhook({ platform, app, form }: AppVisit): Promise<Done> {
  await platform.send('DELETE', at`/apps/${app.name}/webhooks/${form.get('id') ?? ''}`)
  return { to: at`/apps/${app.name}/integrations`, said: 'The webhook is removed.' }
}

async function addDrain({ platform, app, form }: AppVisit): Promise<Done> {
  await platform.send('POST', at`/apps/${app.name}/log-drains`, { url: (form.get('drain') ?? '').trim() })
  return { to: at`/apps/${app.name}/integrations`, said: 'The drain is added.' }
}

async function removeDrain({ platform, app, form }: AppVisit): Promise<Done> {
  await platform.send('DELETE', at`/apps/${app.name}/log-drains/${form.get('id') ?? ''}`)
  return { to: at`/apps/${app.name}/integrations`, said: 'The drain is removed.' }
}
