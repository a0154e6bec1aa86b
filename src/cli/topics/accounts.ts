import type { Command } from 'commander'
import { define, type Options } from '../command.ts'
import { note, print, progress } from '../output.ts'
import type { AccountJson } from '../resources.ts'
import { connect } from '../session.ts'

export function defineAccounts(program: Command): void {
  define(program, {
    name: 'accounts:create',
    arguments: '<email>',
    summary: 'make an account for somebody',
    details: 'Prints its first password. For admins only.',
    examples: ['paas accounts:create ada@example.com', 'paas accounts:create grace@example.com --admin'],
  })
    .option('--name <name>', 'their name')
    .option('--admin', 'may see and change every app and account')
    .action(create)
}

async function create(email: string, { json, name, admin }: Options & { name?: string; admin?: true }): Promise<void> {
  const body = { email, ...(name === undefined ? {} : { name }), ...(admin ? { admin } : {}) }
  const api = connect()
  const made = await progress(
    `Creating the account ${email}`,
    api.post<AccountJson & { password?: string }>('/accounts', body),
  )
  note(`They log in with: paas login ${api.server.url}   The password is shown this once:`)
  print(json ? { json } : {}, made, ({ password }) => password ?? '')
}
