import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import type { Client } from '../client.ts'
import { define, type Options } from '../command.ts'
import { note, print, progress } from '../output.ts'
import { Prompt } from '../prompt.ts'
import type { AccountJson, AuthorizationJson } from '../resources/accounts.ts'
import { connect } from '../session.ts'

export function definePassword(program: Command): void {
  define(program, {
    name: 'password',
    summary: 'set your password',
    details:
      'Asks for the current password first, which is empty if there is none, as for the account that the first start of a ' +
      'server created. Other logins made with the old password end; tokens of paas tokens:create keep working.',
    examples: ['paas password', `printf '%s\\n' "$OLD" "$NEW" "$NEW" | paas password`],
  }).action(setPassword)
}

async function setPassword(options: Options): Promise<void> {
  const api = connect()
  const account = await api.get<AccountJson>('/account')
  const { present, wanted } = await askPasswords(account)
  const changed = api.patch<AccountJson>('/account', { password: present, new_password: wanted })
  print(options, await progress(`Setting the password of ${account.email}`, changed), () => '')
  note(`Log in elsewhere with: paas login ${api.server.url}   as ${account.email}`)
  await nameTokens(api)
}

/** Whoever knew the old password may have made one. */
async function nameTokens(api: Client): Promise<void> {
  const tokens = await api.get<AuthorizationJson[]>('/oauth/authorizations')
  const kept = tokens.filter(({ session }) => !session)
  if (kept.length === 0) return
  note('These tokens keep working. Revoke one that you do not know with: paas tokens:revoke ID')
  for (const { id, description } of kept) note(`  ${id}  ${description}`)
}

async function askPasswords({ email }: AccountJson): Promise<{ present: string; wanted: string }> {
  using prompt = new Prompt()
  const present = await prompt.askSecret(`Current password of ${email} (empty if there is none yet)`)
  const wanted = await prompt.askSecret('New password (at least 8 characters)')
  const again = await prompt.askSecret('New password again')
  if (wanted !== again) throw new PaasError('invalid_params', 'The two passwords differ; nothing was changed.')
  return { present, wanted }
}
