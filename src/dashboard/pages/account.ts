import { field, hidden, submit } from '../components/form.ts'
import { dataTable, facts } from '../components/table.ts'
import { moment } from '../components/words.ts'
import { html, nothing, type Html } from '../html.ts'
import { serverPage, type Done, type Visit } from '../page.ts'
import { at } from '../platform.ts'

type Login = { id: string; description: string; created_at: string; expires_in: number | null }

export const account = serverPage({
  path: '/account',
  title: 'Account',
  listed: true,
  view,
  actions: { password: changePassword, end: endLogin },
})

async function view({ platform, viewer, token, here }: Visit): Promise<Html> {
  const logins = await platform.get<Login[]>('/oauth/sessions')
  return html`
    <h1>Account</h1>
    <p>
      You are <strong>${viewer.email}</strong>${viewer.admin ? ', an admin of this server' : nothing}. Also here:
      <a href="/dashboard/account/tokens">tokens and keys</a>.
    </p>
    <section class="card stack" aria-labelledby="ways">
      <h2 id="ways">Ways to log in</h2>
      ${facts([
        ['Password', 'with your email, or a link of paas dashboard'],
        ['Second factor', html`<a href="/dashboard/account/two-factor">two-factor authentication</a>, by an app`],
        ['Passkeys', 'none: this server does not know them yet'],
      ])}
    </section>
    <section class="card stack" aria-labelledby="password">
      <h2 id="password">Password</h2>
      <form method="post" action="${here}" class="stack narrow">
        ${token}
        ${field({
          name: 'present',
          label: 'Present password',
          type: 'password',
          autocomplete: 'current-password',
          help: 'Empty, if the account has none yet.',
        })}
        ${field({
          name: 'wanted',
          label: 'New password',
          type: 'password',
          autocomplete: 'new-password',
          required: true,
          help: 'At least 8 characters. All other logins with the old one end.',
        })}
        ${submit('Set the password', 'password')}
      </form>
    </section>
    <section class="card stack" aria-labelledby="logins">
      <h2 id="logins">Logins</h2>
      ${dataTable('Logins', columns(token, here), logins)}
      <form method="post" action="/dashboard/logout">
        ${token} ${hidden('everywhere', 'yes')} ${submit('Log out everywhere', undefined, 'danger')}
        <p class="help">Ends all of these logins, this one too. Tokens made for a purpose stay.</p>
      </form>
    </section>
  `
}

function columns(token: Html, here: string) {
  return [
    { title: 'Login', cell: (login: Login) => login.description },
    { title: 'Since', cell: (login: Login) => moment(login.created_at) },
    { title: 'Ends', cell: (login: Login) => ends(login) },
    {
      title: 'Action',
      cell: (login: Login) => html`
        <form method="post" action="${here}">
          ${token} ${hidden('login', login.id)}
          <button class="plain" name="do" value="end">End<span class="unseen"> ${login.description}</span></button>
        </form>
      `,
    },
  ]
}

function ends({ expires_in: seconds }: Login): Html {
  if (seconds === null) return html`<span class="quiet">never</span>`
  return moment(new Date(Date.now() + seconds * 1000).toISOString())
}

async function changePassword({ platform, form }: Visit): Promise<Done> {
  const password = form.get('present') ?? ''
  await platform.send('PATCH', '/account', { password, new_password: form.get('wanted') ?? '' })
  return { to: '/account', said: 'The password is set. Other logins with the old one have ended.' }
}

async function endLogin({ platform, form }: Visit): Promise<Done> {
  await platform.send('DELETE', at`/oauth/sessions/${form.get('login') ?? ''}`)
  return { to: '/account', said: 'That login has ended.' }
}
