import type { Command } from 'commander'
import { define, type Options } from '../command.ts'
import { heading, note, print, progress, table } from '../output.ts'
import type { AuthorizationJson } from '../resources.ts'
import { connect } from '../session.ts'
import { formatTime } from '../time.ts'

export function defineTokens(program: Command): void {
  define(program, {
    name: 'tokens',
    summary: 'list your API tokens, without their secrets',
    examples: ['paas tokens'],
  }).action(async (options: Options) => {
    const tokens = await connect().get<AuthorizationJson[]>('/oauth/authorizations')
    print(options, tokens, () => [
      heading('Tokens'),
      ...table(
        tokens.map(({ id, description, scope, created_at }) => [
          id,
          description,
          scope.join(','),
          formatTime(created_at),
        ]),
      ),
    ])
  })

  define(program, {
    name: 'tokens:create',
    summary: 'make an API token',
    details: 'It is printed this once. For CI and scripts: give it to them as PAAS_TOKEN, with PAAS_URL.',
    examples: ['paas tokens:create -d "CI of acme"', 'export PAAS_TOKEN=$(paas tokens:create -d laptop)'],
  })
    .option('-d, --description <text>', 'what it is for', 'made with paas tokens:create')
    .action(create)

  define(program, {
    name: 'tokens:revoke',
    arguments: '<id>',
    summary: 'make a token worthless at once',
    examples: ['paas tokens:revoke 01234567-89ab-cdef-0123-456789abcdef'],
  }).action(async (id: string, options: Options) => {
    const api = connect()
    const revoked = api.delete<AuthorizationJson>(`/oauth/authorizations/${encodeURIComponent(id)}`)
    print(options, await progress(`Revoking ${id}`, revoked), () => '')
  })
}

async function create(options: Options & { description: string }): Promise<void> {
  const { description } = options
  const made = await connect().post<AuthorizationJson>('/oauth/authorizations', { description, scope: ['global'] })
  note(`Made the token ${made.id}. It is shown this once. Revoke it with: paas tokens:revoke ${made.id}`)
  print(options, made, ({ access_token }) => access_token?.token ?? '')
}
