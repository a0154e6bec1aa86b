import { confirmation, field, hidden, select, submit } from '../../components/form.ts'
import { dataTable } from '../../components/table.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { at } from '../../platform.ts'

export const access = appPage({
  path: '/access',
  title: 'Access',
  listed: true,
  view,
  actions: { add, update, remove },
})

type Member = {
  role: 'owner' | 'admin' | 'collaborator'
  permissions: { name: string }[]
  user: { id: string; email: string }
}

const roles = [
  ['view', 'view: see the app, its log and releases'],
  ['deploy', 'deploy: also push, configure and run it'],
  ['admin', 'admin: also manage access, rename and destroy it'],
] as const

async function view(visit: AppVisit): Promise<Html> {
  const { platform, app, role, query, form, token, here } = visit
  const members = await platform.get<Member[]>(at`/apps/${app.name}/collaborators`)
  const leaving = members.find(({ user }) => user.email === query.get('remove'))
  if (leaving) return askRemove(visit, leaving)
  const manages = role === 'admin' || role === 'owner'
  return html`
    <h1>Access</h1>
    ${dataTable('Who has access', columns(visit, manages), members)}
    ${
      manages
        ? html`<form method="post" action="${here}" class="card stack narrow">
            <h2>Give somebody access</h2>
            ${token}
            ${field({ name: 'email', label: 'Email of their account', type: 'email', value: form.get('email') ?? '', required: true, help: 'They need an account first. Admins of the server make accounts.' })}
            ${select({ name: 'role', label: 'Role', value: form.get('role') ?? 'deploy', options: roles })}
            <p>${submit('Give access', 'add')}</p>
          </form>`
        : nothing
    }
  `
}

function columns(visit: AppVisit, manages: boolean) {
  const { viewer } = visit
  return [
    { title: 'Account', cell: ({ user }: Member) => html`<strong>${user.email}</strong>` },
    {
      title: 'Role',
      cell: (member: Member) => (manages && roleOf(member) !== 'owner' ? roleForm(visit, member) : roleOf(member)),
    },
    {
      title: 'Action',
      cell: (member: Member) => {
        const isOwn = member.user.id === viewer.id
        if (roleOf(member) === 'owner' || !(manages || isOwn)) return nothing
        const email = encodeURIComponent(member.user.email)
        return html`<a href="?remove=${email}"
          >${isOwn ? 'Leave' : html`Remove<span class="unseen"> ${member.user.email}</span>`}</a
        >`
      },
    },
  ]
}

function roleForm({ here, token }: AppVisit, member: Member): Html {
  const { email, id } = member.user
  const options = roles.map(([name]) => [name, name] as const)
  return html`<form method="post" action="${here}" class="buttons">
    ${token} ${hidden('email', email)}
    ${select({ name: 'role', id: `role-${id}`, label: html`<span class="unseen">Role of ${email}</span>`, value: roleOf(member), options })}
    <button class="plain" name="do" value="update">Change<span class="unseen"> the role of ${email}</span></button>
  </form>`
}

/** Heroku's answers tell view from deploy by the permissions. */
function roleOf({ role, permissions }: Member): string {
  if (role !== 'collaborator') return role
  return permissions.some(({ name }) => name === 'deploy') ? 'deploy' : 'view'
}

function askRemove({ app, viewer, token }: AppVisit, { user }: Member): Html {
  const path = at`/dashboard/apps/${app.name}/access`
  const isOwn = user.id === viewer.id
  return html`
    <h1>${isOwn ? 'Leave the app' : 'Remove access'}</h1>
    ${confirmation({
      title: isOwn ? `Give up your access to ${app.name}?` : `Remove the access of ${user.email} to ${app.name}?`,
      consequences: [
        'Pushes, log tails and terminals that are under way end within a second.',
        'Log drains and webhooks that they added stay.',
      ],
      action: 'remove',
      button: isOwn ? 'Leave' : 'Remove access',
      danger: true,
      fields: { email: user.email },
      token,
      here: path,
      back: path,
    })}
  `
}

async function add({ platform, app, form }: AppVisit): Promise<Done> {
  const [user, role] = [(form.get('email') ?? '').trim(), form.get('role') ?? '']
  await platform.send('POST', at`/apps/${app.name}/collaborators`, { user, role })
  return { to: at`/apps/${app.name}/access`, said: `${user} has the role ${role}.` }
}

async function update({ platform, app, form }: AppVisit): Promise<Done> {
  const [user, role] = [form.get('email') ?? '', form.get('role') ?? '']
  await platform.send('PATCH', at`/apps/${app.name}/collaborators/${user}`, { role })
  return { to: at`/apps/${app.name}/access`, said: `${user} has the role ${role} now.` }
}

async function remove({ platform, app, form, viewer }: AppVisit): Promise<Done> {
  const email = form.get('email') ?? ''
  await platform.send('DELETE', at`/apps/${app.name}/collaborators/${email}`)
  if (email === viewer.email && !viewer.admin) return { to: '/apps', said: `You have left ${app.name}.` }
  return { to: at`/apps/${app.name}/access`, said: `${email} has no access any more.` }
}
