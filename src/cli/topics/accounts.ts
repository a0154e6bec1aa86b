import type { Command } from 'commander'
import { define, type Options } from '../command.ts'
import { confirm } from '../confirm.ts'
import { heading, note, print, progress, table } from '../output.ts'
import type { AccountJson } from '../resources/accounts.ts'
import { connect } from '../session.ts'
import { formatTimeAndAge } from '../time.ts'

export function defineAccounts(program: Command): void {
  define(program, {
    name: 'accounts',
    summary: 'list the accounts of the server',
    details: 'For admins only.',
    examples: ['paas accounts'],
  }).action(list)

  define(program, {
    name: 'accounts:create',
    arguments: '<email>',
    summary: 'create an account for somebody',
    details: 'Prints its first password, which they change with paas password. For admins only.',
    examples: ['paas accounts:create ada@example.com', 'paas accounts:create grace@example.com --admin'],
  })
    .option('--name <name>', 'their name')
    .option('--admin', 'can see and change every app and account')
    .action(create)

  define(program, {
    name: 'accounts:disable',
    arguments: '<email>',
    summary: 'close an account until it is enabled again',
    details:
      'Its password and tokens stop working, also for git, and its open connections end. Its apps keep running. For admins only.',
    examples: ['paas accounts:disable ada@example.com'],
  }).action(disable)

  define(program, {
    name: 'accounts:enable',
    arguments: '<email>',
    summary: 'open an account that was disabled',
    details: 'Its password and tokens work again. For admins only.',
    examples: ['paas accounts:enable ada@example.com'],
  }).action(enable)

  define(program, {
    name: 'accounts:remove',
    arguments: '<email>',
    summary: 'remove an account permanently',
    details:
      'Its tokens, keys and roles are removed too. An account that owns apps cannot be removed: transfer them first, see paas ' +
      'apps:transfer. For admins only.',
    examples: ['paas accounts:remove ada@example.com --confirm ada@example.com'],
  })
    .option('-c, --confirm <email>', 'the email again, to confirm without a prompt')
    .action(remove)
}

async function list(options: Options): Promise<void> {
  const all = await connect().get<AccountJson[]>('/accounts')
  print(options, all, () => [
    heading('Accounts'),
    ...table(
      all.map(({ email, name, admin, suspended_at }) => [
        email,
        name ?? '',
        admin ? 'admin' : '',
        suspended_at === null ? '' : `disabled since ${formatTimeAndAge(suspended_at)}`,
      ]),
    ),
  ])
}

async function create(email: string, { json, name, admin }: Options & { name?: string; admin?: true }): Promise<void> {
  const body = { email, ...(name === undefined ? {} : { name }), ...(admin ? { admin } : {}) }
  const api = connect()
  const made = await progress(
    `Creating the account ${email}`,
    api.post<AccountJson & { password?: string }>('/accounts', body),
  )
  note(`They log in with: paas login ${api.server.url}   The password is shown only once:`)
  print(json ? { json } : {}, made, ({ password }) => password ?? '')
}

async function disable(email: string, options: Options): Promise<void> {
  const changed = connect().patch<AccountJson>(pathOf(email), { suspended: true })
  print(options, await progress(`Disabling ${email}`, changed), () => '')
  note(`Its apps keep running. Undo with: paas accounts:enable ${email}`)
}

async function enable(email: string, options: Options): Promise<void> {
  const changed = connect().patch<AccountJson>(pathOf(email), { suspended: false })
  print(options, await progress(`Enabling ${email}`, changed), () => '')
  note(`Undo with: paas accounts:disable ${email}`)
}

async function remove(email: string, options: Options & { confirm?: string }): Promise<void> {
  const api = connect()
  await confirm(`This removes the account ${email}, its tokens and its roles permanently.`, {
    name: email,
    ...(options.confirm === undefined ? {} : { given: options.confirm }),
    command: `paas accounts:remove ${email} --confirm ${email}`,
  })
  print(options, await progress(`Removing ${email}`, api.delete<AccountJson>(pathOf(email))), () => '')
}

function pathOf(email: string): string {
  return `/accounts/${encodeURIComponent(email)}`
}
