import { confirmation, field, submit } from '../components/form.ts'
import { copyable } from '../components/shown-once.ts'
import { dataTable } from '../components/table.ts'
import { badge, moment } from '../components/words.ts'
import { html, nothing, type Html } from '../html.ts'
import { serverPage, type Done, type Visit } from '../page.ts'
import { at } from '../platform.ts'

export const accounts = serverPage({
  path: '/accounts',
  title: 'Accounts',
  listed: true,
  admin: true,
  view,
  actions: { create, disable, enable, resetTwoFactor, remove },
})

type Account = {
  id: string
  email: string
  name: string | null
  admin: boolean
  suspended_at: string | null
  two_factor_authentication: boolean
  created_at: string
}

async function view(visit: Visit): Promise<Html> {
  const { platform, form, query, here, token } = visit
  const all = await platform.list<Account>('/accounts', 'email ..; max=1000')
  const asked = all.find(({ email }) => email === query.get('account'))
  if (asked) return askAbout(visit, asked, query.get('ask') ?? '')
  return html`
    <h1>Accounts</h1>
    ${dataTable('Accounts', columns(visit), all)}
    <form method="post" action="${here}" class="card stack narrow">
      <h2>Make an account</h2>
      ${token}
      ${field({ name: 'email', label: 'Email', type: 'email', value: form.get('email') ?? '', required: true, autocomplete: 'off' })}
      ${field({ name: 'name', label: 'Name', value: form.get('name') ?? '', autocomplete: 'off' })}
      <label class="check"
        ><input type="checkbox" name="admin" value="yes" /> An admin, who may see and change all</label
      >
      <p>${submit('Make it', 'create')}</p>
    </form>
  `
}

function columns({ viewer }: Visit) {
  const link = (email: string, ask: string, text: string): Html =>
    html`<a href="?ask=${ask}&amp;account=${encodeURIComponent(email)}"
      >${text}<span class="unseen"> ${email}</span></a
    >`
  return [
    { title: 'Email', cell: ({ email }: Account) => html`<strong>${email}</strong>` },
    { title: 'Name', cell: ({ name }: Account) => name ?? '' },
    {
      title: 'State',
      cell: (one: Account) =>
        html`${one.suspended_at === null ? badge('open', 'good') : badge('disabled', 'bad')}
        ${one.admin ? badge('admin', 'idle') : nothing}
        ${one.two_factor_authentication ? badge('two-factor', 'good') : nothing}`,
    },
    { title: 'Since', cell: ({ created_at: since }: Account) => moment(since) },
    {
      title: 'Action',
      cell: ({ id, email, suspended_at: closed, two_factor_authentication: second }: Account) =>
        id === viewer.id
          ? html`<span class="quiet">you</span>`
          : html`${closed === null ? link(email, 'disable', 'Disable') : link(email, 'enable', 'Enable')}
            ${second ? link(email, 'two-factor', 'Reset two-factor') : nothing} ${link(email, 'remove', 'Remove')}`,
    },
  ]
}

type Question = { title: string; consequences: string[]; action: string; button: string; danger: boolean }

function questions(email: string): Record<string, Question> {
  return {
    disable: {
      title: `Disable ${email}?`,
      consequences: [
        'Its password and its tokens stop working, also for git, and its open connections end.',
        'Its apps keep running.',
      ],
      action: 'disable',
      button: 'Disable',
      danger: true,
    },
    enable: {
      title: `Enable ${email}?`,
      consequences: ['Its password and its tokens work again.'],
      action: 'enable',
      button: 'Enable',
      danger: false,
    },
    'two-factor': {
      title: `Let ${email} log in without the second factor?`,
      consequences: [
        'Make sure that it is they who ask.',
        'They log in with the password alone until they enable it again.',
      ],
      action: 'resetTwoFactor',
      button: 'Reset',
      danger: true,
    },
    remove: {
      title: `Remove ${email} for good?`,
      consequences: [
        'Its tokens, keys and roles are removed too.',
        'An account that owns apps cannot be removed: they are transferred first.',
      ],
      action: 'remove',
      button: 'Remove',
      danger: true,
    },
  }
}

function askAbout({ token }: Visit, { email }: Account, ask: string): Html {
  const question = questions(email)[ask] ?? questions(email)['disable']!
  const path = '/dashboard/accounts'
  return html`
    <h1>Accounts</h1>
    ${confirmation({ ...question, fields: { account: email }, token, here: path, back: path })}
  `
}

async function create({ platform, form }: Visit): Promise<Done> {
  const [email, name] = [(form.get('email') ?? '').trim(), (form.get('name') ?? '').trim()]
  const asked = { email, ...(name === '' ? {} : { name }), ...(form.get('admin') === null ? {} : { admin: true }) }
  const made = await platform.send<Account & { password: string }>('POST', '/accounts', asked)
  return {
    page: html`
      <h1>The account is made</h1>
      <section class="card stack" aria-label="The first password">
        <p>Give ${made.email} this first password, which is shown this once. They change it on their page Account.</p>
        <p>${copyable('first-password', made.password)}</p>
        <p><a class="button" href="/dashboard/accounts">All accounts</a></p>
      </section>
    `,
  }
}

const accountIn = (form: URLSearchParams): string => form.get('account') ?? ''

async function disable({ platform, form }: Visit): Promise<Done> {
  await platform.send('PATCH', at`/accounts/${accountIn(form)}`, { suspended: true })
  return { to: '/accounts', said: `${accountIn(form)} is disabled.` }
}

async function enable({ platform, form }: Visit): Promise<Done> {
  await platform.send('PATCH', at`/accounts/${accountIn(form)}`, { suspended: false })
  return { to: '/accounts', said: `${accountIn(form)} is enabled.` }
}

async function resetTwoFactor({ platform, form }: Visit): Promise<Done> {
  await platform.send('DELETE', at`/accounts/${accountIn(form)}/two-factor`)
  return { to: '/accounts', said: `${accountIn(form)} logs in with the password alone now.` }
}

async function remove({ platform, form }: Visit): Promise<Done> {
  await platform.send('DELETE', at`/accounts/${accountIn(form)}`)
  return { to: '/accounts', said: `${accountIn(form)} is removed.` }
}
