import { Option, type Command } from 'commander'
import { defineForApp, type AppOptions } from '../command.ts'
import { heading, note, print, progress, table } from '../output.ts'
import type { CollaboratorJson } from '../resources/apps.ts'
import { connectToApp } from '../session.ts'

type RoleOptions = AppOptions & { role: string }

const explained = 'view: see the app. deploy: also push, configure and run it. admin: also manage access.'

export function defineAccess(program: Command): void {
  defineForApp(program, {
    name: 'access',
    summary: 'list who has access to the app, and their roles',
    examples: ['paas access -a acme'],
  }).action(list)

  defineForApp(program, {
    name: 'access:add',
    arguments: '<email>',
    summary: 'give somebody access to the app',
    details: `They need an account first: see paas accounts:create. Roles: ${explained}`,
    examples: ['paas access:add ada@example.com', 'paas access:add grace@example.com --role view'],
  })
    .addOption(roleOption().default('deploy'))
    .action(add)

  defineForApp(program, {
    name: 'access:update',
    arguments: '<email>',
    summary: "change somebody's role",
    details: `Roles: ${explained}`,
    examples: ['paas access:update grace@example.com --role admin'],
  })
    .addOption(roleOption().makeOptionMandatory())
    .action(update)

  defineForApp(program, {
    name: 'access:remove',
    arguments: '<email>',
    summary: 'remove the access of somebody to the app',
    details: 'Use your own email to leave the app.',
    examples: ['paas access:remove grace@example.com'],
  }).action(remove)
}

function roleOption(): Option {
  return new Option('--role <role>', 'what they may do').choices(['view', 'deploy', 'admin'])
}

async function list(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const all = await api.get<CollaboratorJson[]>(`${path}/collaborators`)
  print(options, all, () => [heading(`${app} Access`), ...table(all.map((one) => [one.user.email, roleOf(one)]))])
}

async function add(email: string, options: RoleOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const body = { user: email, role: options.role }
  const made = api.post<CollaboratorJson>(`${path}/collaborators`, body)
  print(options, await progress(`Adding ${email} to ${app} as ${options.role}`, made), () => '')
  note(`Undo with: paas access:remove ${email} -a ${app}`)
}

async function update(email: string, options: RoleOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const one = `${path}/collaborators/${encodeURIComponent(email)}`
  const before = roleOf(await api.get<CollaboratorJson>(one))
  const changed = api.patch<CollaboratorJson>(one, { role: options.role })
  print(options, await progress(`Changing the role of ${email} on ${app} to ${options.role}`, changed), () => '')
  note(`Undo with: paas access:update ${email} --role ${before} -a ${app}`)
}

async function remove(email: string, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const removed = api.delete<CollaboratorJson>(`${path}/collaborators/${encodeURIComponent(email)}`)
  const was = await progress(`Removing ${email} from ${app}`, removed)
  print(options, was, () => '')
  note(`Undo with: paas access:add ${email} --role ${roleOf(was)} -a ${app}`)
  note(`Log drains and webhooks that they added stay. See: paas drains -a ${app}, paas webhooks -a ${app}`)
}

/** Heroku's answers tell view from deploy by the permissions. */
function roleOf({ role, permissions }: CollaboratorJson): string {
  if (role !== 'collaborator') return role
  return permissions.some(({ name }) => name === 'deploy') ? 'deploy' : 'view'
}
