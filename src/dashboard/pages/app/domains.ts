import { area, confirmation, field, submit } from '../../components/form.ts'
import { dataTable, empty } from '../../components/table.ts'
import { badge, moment, type Tone } from '../../components/words.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { at } from '../../platform.ts'

export const domains = appPage({
  path: '/domains',
  title: 'Domains',
  listed: true,
  view,
  actions: { add, remove, addCertificate, removeCertificate },
})

type ShownDomain = {
  hostname: string
  kind: 'heroku' | 'custom'
  cname: string | null
  status: string
  sni_endpoint: { id: string; name: string } | null
  acm_status?: string | null
  acm_status_reason?: string | null
}
type Lookup = {
  hostname: string
  state: 'here' | 'elsewhere' | 'missing' | 'silent' | null
  alias: string | null
  addresses: string[]
  server_addresses: string[]
  wanted: { name: string; type: string; value: string }
  is_looking: boolean
  looked_at: string | null
}
type Endpoint = {
  id: string
  name: string
  ssl_cert: { cert_domains: string[]; expires_at: string; issuer: string; 'ca_signed?': boolean }
}

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app, role, query } = visit
  const [all, endpoints, lookups] = await Promise.all([
    platform.list<ShownDomain>(at`/apps/${app.name}/domains`, 'hostname ..; max=1000'),
    platform.list<Endpoint>(at`/apps/${app.name}/sni-endpoints`, 'name ..; max=1000'),
    platform.get<Lookup[]>(at`/apps/${app.name}/domain-lookups`),
  ])
  const leaving = all.find(({ hostname }) => hostname === query.get('remove'))
  if (leaving) return askRemove(visit, leaving)
  const gone = endpoints.find(({ name }) => name === query.get('certificate'))
  if (gone) return askRemoveCertificate(visit, gone)
  const mayChange = role !== 'view'
  return html`
    <h1>Domains and certificates</h1>
    <div id="domain-list" data-live>${dataTable('Domains', domainColumns(mayChange, lookups), all)}</div>
    ${mayChange ? addForm(visit) : nothing}
    <section class="stack" aria-labelledby="certificates">
      <h2 id="certificates">Certificates</h2>
      ${
        endpoints.length === 0
          ? empty(
              'No certificates of your own',
              'Add one for your domains below. The server shows one of its own authority until then.',
            )
          : dataTable('Certificates', certificateColumns(mayChange), endpoints)
      }
      ${mayChange ? certificateForm(visit) : nothing}
    </section>
  `
}

function domainColumns(mayChange: boolean, lookups: Lookup[]) {
  const dnsOf = ({ hostname, kind }: ShownDomain): Html => {
    if (kind === 'heroku') return html`<span class="quiet">the app's own name; nothing to do</span>`
    const found = lookups.find((one) => one.hostname === hostname)
    return found ? dnsSays(found) : nothing
  }
  return [
    { title: 'Domain', cell: ({ hostname }: ShownDomain) => html`<strong>${hostname}</strong>` },
    { title: 'DNS', cell: dnsOf },
    { title: 'Certificate', cell: certificateOf },
    ...(mayChange ? [{ title: 'Action', cell: removeLink }] : []),
  ]
}

/** It is looked up behind the page, which looks again by itself until it is there. */
function dnsSays(found: Lookup): Html {
  const { state, is_looking: isLooking, looked_at: when } = found
  if (state === null) return html`<span data-later="500">${isLooking ? 'Being looked up…' : 'Not known.'}</span>`
  return html`${badge(...dnsStates[state])} ${saying(found)} ${state === 'here' ? nothing : shouldSay(found)}
    <span class="quiet" ${isLooking ? html`data-later="500"` : nothing}>${when ? moment(when) : nothing}</span>`
}

const dnsStates: Record<NonNullable<Lookup['state']>, [string, Tone]> = {
  here: ['leads here', 'good'],
  elsewhere: ['leads elsewhere', 'busy'],
  missing: ['no record', 'bad'],
  silent: ['no answer', 'busy'],
}

function saying({ state, alias, addresses }: Lookup): Html {
  if (state === 'silent') return html`No name server answers for it.`
  if (state === 'missing') return nothing
  const at = addresses.length > 0 ? `at ${addresses.join(', ')}` : 'without an address'
  return alias === null ? html`It is ${at}.` : html`It is another name of <code>${alias}</code>, ${at}.`
}

function shouldSay({ state, wanted, server_addresses: own }: Lookup): Html {
  const also = own.length > 0 ? `its addresses: ${own.join(', ')}` : "the server's addresses"
  return html`<br />It should be: <code>${wanted.name} ${wanted.type} ${wanted.value}</code>; where a name cannot have
    that, as at the top of a zone, an ALIAS or ${also}.
    ${state === 'elsewhere' ? 'Behind a proxy that passes requests on, it may be right.' : nothing}`
}

function certificateOf({ sni_endpoint: endpoint, acm_status: state, acm_status_reason: reason }: ShownDomain): Html {
  if (endpoint) return html`${endpoint.name}`
  if (!state) return html`<span class="quiet">none</span>`
  return html`${badge(state, state === 'cert issued' || state === 'ok' ? 'good' : 'busy')} ${reason ?? ''}`
}

function removeLink({ hostname, kind }: ShownDomain): Html {
  if (kind === 'heroku') return nothing
  return html`<a href="?remove=${encodeURIComponent(hostname)}">Remove<span class="unseen"> ${hostname}</span></a>`
}

function addForm({ form, here, token }: AppVisit): Html {
  return html`<form method="post" action="${here}" class="card stack narrow">
    <h2>Add a domain</h2>
    ${token}
    ${field({
      name: 'hostname',
      label: 'Host name',
      value: form.get('hostname') ?? '',
      required: true,
      autocomplete: 'off',
      placeholder: 'www.example.com',
      help: 'Or *.example.com for all names below one.',
    })}
    <p>${submit('Add', 'add')}</p>
  </form>`
}

function certificateColumns(mayChange: boolean) {
  const removing = ({ name }: Endpoint): Html =>
    html`<a href="?certificate=${encodeURIComponent(name)}">Remove<span class="unseen"> ${name}</span></a>`
  return [
    { title: 'Name', cell: ({ name }: Endpoint) => html`<strong>${name}</strong>` },
    { title: 'For', cell: ({ ssl_cert: cert }: Endpoint) => cert.cert_domains.join(', ') },
    {
      title: 'Issuer',
      cell: ({ ssl_cert: cert }: Endpoint) =>
        html`${cert.issuer} ${cert['ca_signed?'] ? nothing : badge('not of a known authority', 'busy')}`,
    },
    { title: 'Until', cell: ({ ssl_cert: cert }: Endpoint) => moment(cert.expires_at) },
    ...(mayChange ? [{ title: 'Action', cell: removing }] : []),
  ]
}

function certificateForm({ form, here, token }: AppVisit): Html {
  return html`<form method="post" action="${here}" class="card stack">
    <h2>Add a certificate</h2>
    ${token}
    ${area({ name: 'chain', label: 'Certificate chain (PEM)', value: form.get('chain') ?? '', rows: 5, placeholder: '-----BEGIN CERTIFICATE-----' })}
    ${area({ name: 'key', label: 'Private key (PEM)', rows: 5, help: 'It is kept encrypted, and never shown again.', placeholder: '-----BEGIN PRIVATE KEY-----' })}
    <p>${submit('Add the certificate', 'addCertificate')}</p>
  </form>`
}

function askRemove({ app, token }: AppVisit, { hostname }: ShownDomain): Html {
  const path = `/dashboard${at`/apps/${app.name}/domains`}`
  return html`
    <h1>Remove a domain</h1>
    ${confirmation({
      title: `Remove ${hostname} from ${app.name}?`,
      consequences: [`Visitors of ${hostname} no longer get to the app.`, 'Another app may add it then.'],
      action: 'remove',
      button: 'Remove',
      danger: true,
      fields: { hostname },
      token,
      here: path,
      back: path,
    })}
  `
}

function askRemoveCertificate({ app, token }: AppVisit, { id, name, ssl_cert: cert }: Endpoint): Html {
  const path = `/dashboard${at`/apps/${app.name}/domains`}`
  return html`
    <h1>Remove a certificate</h1>
    ${confirmation({
      title: `Remove the certificate ${name}?`,
      consequences: [
        `Visitors of ${cert.cert_domains.join(', ')} get another one, which their browsers may not trust.`,
      ],
      action: 'removeCertificate',
      button: 'Remove',
      danger: true,
      fields: { endpoint: id },
      token,
      here: path,
      back: path,
    })}
  `
}

async function add({ platform, app, form }: AppVisit): Promise<Done> {
  const hostname = (form.get('hostname') ?? '').trim()
  const made = await platform.send<ShownDomain>('POST', at`/apps/${app.name}/domains`, { hostname, sni_endpoint: null })
  return {
    to: at`/apps/${app.name}/domains`,
    said: `${made.hostname} is added. Point it to ${made.cname ?? 'the server'} in your DNS.`,
  }
}

async function remove({ platform, app, form }: AppVisit): Promise<Done> {
  const hostname = form.get('hostname') ?? ''
  await platform.send('DELETE', at`/apps/${app.name}/domains/${hostname}`)
  return { to: at`/apps/${app.name}/domains`, said: `${hostname} is removed.` }
}

async function addCertificate({ platform, app, form }: AppVisit): Promise<Done> {
  const asked = { certificate_chain: form.get('chain') ?? '', private_key: form.get('key') ?? '' }
  const made = await platform.send<Endpoint>('POST', at`/apps/${app.name}/sni-endpoints`, asked)
  return { to: at`/apps/${app.name}/domains`, said: `The certificate ${made.name} is added.` }
}

async function removeCertificate({ platform, app, form }: AppVisit): Promise<Done> {
  await platform.send('DELETE', at`/apps/${app.name}/sni-endpoints/${form.get('endpoint') ?? ''}`)
  return { to: at`/apps/${app.name}/domains`, said: 'The certificate is removed.' }
}
