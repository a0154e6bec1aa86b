import { area, field, hidden, select, submit } from '../components/form.ts'
import { copyable } from '../components/shown-once.ts'
import { dataTable, empty } from '../components/table.ts'
import { moment } from '../components/words.ts'
import { html, type Html } from '../html.ts'
import { serverPage, type Done, type Visit } from '../page.ts'
import { at } from '../platform.ts'

export const tokens = serverPage({
  path: '/account/tokens',
  title: 'Tokens and keys',
  listed: false,
  view,
  actions: { create, revoke, addKey, removeKey },
})

type Token = {
  id: string
  description: string
  scope: string[]
  created_at: string
  session: object | null
  access_token: { token: string; expires_in: number | null }
}
type Key = { id: string; comment: string; fingerprint: string; created_at: string }

const scopes = [
  ['global', 'global: all that you may'],
  ['write-protected', 'write-protected: apps, with config vars'],
  ['write', 'write: apps, without config vars'],
  ['read-protected', 'read-protected: look at all of apps'],
  ['read', 'read: look at apps'],
  ['identity', 'identity: who you are'],
] as const

const lives = [
  ['', 'until it is revoked'],
  ['604800', 'for a week'],
  ['2592000', 'for 30 days'],
  ['31536000', 'for a year'],
] as const

async function view({ platform, form, here, token }: Visit): Promise<Html> {
  const [all, keys] = await Promise.all([
    platform.list<Token>('/oauth/authorizations', 'id ..; max=1000'),
    platform.list<Key>('/account/keys', 'id ..; max=1000'),
  ])
  const made = all.filter(({ session }) => session === null)
  return html`
    <h1>Tokens and keys</h1>
    <section class="stack" aria-labelledby="tokens">
      <h2 id="tokens">API tokens</h2>
      ${made.length === 0 ? empty('No tokens', 'For CI and other programs, which send it in place of a password.') : dataTable('API tokens', tokenColumns(here, token), made)}
      <form method="post" action="${here}" class="card stack narrow">
        <h3>Make a token</h3>
        ${token}
        ${field({ name: 'description', label: 'What it is for', value: form.get('description') ?? '', required: true, autocomplete: 'off' })}
        ${select({ name: 'scope', label: 'What it may do', value: form.get('scope') ?? 'global', options: scopes })}
        ${select({ name: 'life', label: 'How long', value: form.get('life') ?? '', options: lives })}
        <p>${submit('Make it', 'create')}</p>
      </form>
    </section>
    <section class="stack" aria-labelledby="keys">
      <h2 id="keys">SSH keys</h2>
      <p class="quiet">Kept for Heroku's command; git is served over HTTP here, with tokens.</p>
      ${keys.length === 0 ? empty('No keys', 'Add one below.') : dataTable('SSH keys', keyColumns(here, token), keys)}
      <form method="post" action="${here}" class="card stack">
        <h3>Add a key</h3>
        ${token}
        ${area({ name: 'key', label: 'Public key', value: form.get('key') ?? '', rows: 3, placeholder: 'ssh-ed25519 AAAA… you@laptop' })}
        <p>${submit('Add the key', 'addKey', 'plain')}</p>
      </form>
    </section>
    <p><a href="/dashboard/account">Back to the account</a></p>
  `
}

function button(
  here: string,
  token: Html,
  { id, what, action, text }: Record<'id' | 'what' | 'action' | 'text', string>,
): Html {
  return html`<form method="post" action="${here}">
    ${token} ${hidden('id', id)}
    <button class="plain" name="do" value="${action}">${text}<span class="unseen"> ${what}</span></button>
  </form>`
}

function tokenColumns(here: string, token: Html) {
  return [
    { title: 'Token', cell: ({ description }: Token) => html`<strong>${description}</strong>` },
    { title: 'Scope', cell: ({ scope }: Token) => scope.join(', ') },
    { title: 'Made', cell: ({ created_at: made }: Token) => moment(made) },
    {
      title: 'Ends',
      cell: ({ access_token: { expires_in: left } }: Token) =>
        left === null ? 'never' : moment(new Date(Date.now() + left * 1000).toISOString()),
    },
    {
      title: 'Action',
      cell: ({ id, description }: Token) =>
        button(here, token, { id, what: description, action: 'revoke', text: 'Revoke' }),
    },
  ]
}

function keyColumns(here: string, token: Html) {
  return [
    { title: 'Key', cell: ({ comment }: Key) => html`<strong>${comment || 'without a comment'}</strong>` },
    { title: 'Fingerprint', cell: ({ fingerprint }: Key) => html`<code>${fingerprint}</code>` },
    { title: 'Added', cell: ({ created_at: added }: Key) => moment(added) },
    {
      title: 'Action',
      cell: ({ id, comment }: Key) => button(here, token, { id, what: comment, action: 'removeKey', text: 'Remove' }),
    },
  ]
}

async function create({ platform, form }: Visit): Promise<Done> {
  const life = Number(form.get('life') ?? '')
  const asked = { description: form.get('description') ?? '', scope: [form.get('scope') ?? 'global'] }
  const made = await platform.send<Token>('POST', '/oauth/authorizations', {
    ...asked,
    ...(life > 0 ? { expires_in: life } : {}),
  })
  return {
    page: html`
      <h1>The token is made</h1>
      <section class="card stack" aria-label="The token">
        <p>Copy it now: it is shown this once.</p>
        <p>${copyable('made-token', made.access_token.token)}</p>
        <p><a class="button" href="/dashboard/account/tokens">I have kept it</a></p>
      </section>
    `,
  }
}

async function revoke({ platform, form }: Visit): Promise<Done> {
  await platform.send('DELETE', at`/oauth/authorizations/${form.get('id') ?? ''}`)
  return { to: '/account/tokens', said: 'The token is revoked.' }
}

async function addKey({ platform, form }: Visit): Promise<Done> {
  await platform.send('POST', '/account/keys', { public_key: (form.get('key') ?? '').trim() })
  return { to: '/account/tokens', said: 'The key is added.' }
}

async function removeKey({ platform, form }: Visit): Promise<Done> {
  await platform.send('DELETE', at`/account/keys/${form.get('id') ?? ''}`)
  return { to: '/account/tokens', said: 'The key is removed.' }
}
