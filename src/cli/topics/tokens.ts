import { Option, type Command } from 'commander'
import { PaasError } from '../../errors.ts'
import type { Client } from '../client.ts'
import { define, type Options } from '../command.ts'
import { fullId } from '../ids.ts'
import { heading, list, note, print, progress, table } from '../output.ts'
import type { AuthorizationJson } from '../resources/accounts.ts'
import { connect } from '../session.ts'
import { formatAge, formatTimeAndAge } from '../time.ts'

type CreateOptions = Options & { description: string; scope: string[]; expiresIn?: string }

/** What a scope lets a token do is in docs/heroku.md. */
const scopes = ['global', 'identity', 'read', 'write', 'read-protected', 'write-protected']
const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }
const example = '01234567-89ab-cdef-0123-456789abcdef'

export function defineTokens(program: Command): void {
  define(program, {
    name: 'tokens',
    summary: 'list your API tokens, without their secrets',
    examples: ['paas tokens'],
  }).action(listAll)

  define(program, {
    name: 'tokens:info',
    arguments: '<id>',
    summary: 'show a token, without its secret',
    details: 'The id ~ is the token you are logged in with.',
    examples: [`paas tokens:info ${example}`, 'paas tokens:info "~"'],
  }).action(info)

  define(program, {
    name: 'tokens:create',
    summary: 'create an API token',
    details: 'It is printed only once. CI and scripts use it as PAAS_TOKEN, with PAAS_URL.',
    examples: [
      'paas tokens:create -d "CI of acme" --scope write --expires-in 90d',
      'export PAAS_TOKEN=$(paas tokens:create -d laptop)',
    ],
  })
    .option('-d, --description <text>', 'what it is for', 'made with paas tokens:create')
    .addOption(new Option('-s, --scope <scope...>', 'what it may do').choices(scopes).default(['global']))
    .option('-e, --expires-in <time>', 'lifetime: 3600, 90m, 12h, 30d (default: until it is revoked)')
    .action(create)

  define(program, {
    name: 'tokens:rotate',
    arguments: '<id>',
    summary: "replace a token's secret",
    details: 'The new secret is printed only once. The old one stops working at once.',
    examples: [`paas tokens:rotate ${example}`],
  }).action(rotate)

  define(program, {
    name: 'tokens:revoke',
    arguments: '<id>',
    summary: 'revoke a token',
    examples: [`paas tokens:revoke ${example}`],
  }).action(async (id: string, options: Options) => {
    const api = connect()
    const revoked = api.delete<AuthorizationJson>(await pathOf(api, id))
    print(options, await progress(`Revoking ${id}`, revoked), () => '')
  })
}

async function listAll(options: Options): Promise<void> {
  const tokens = await connect().get<AuthorizationJson[]>('/oauth/authorizations')
  print(options, tokens, () => [
    heading('Tokens'),
    ...table(
      tokens.map((token) => [
        token.id,
        token.description,
        token.scope.join(','),
        formatTimeAndAge(token.created_at),
        expiryOf(token) && `expires ${expiryOf(token)}`,
      ]),
    ),
  ])
}

async function info(id: string, options: Options): Promise<void> {
  const api = connect()
  const token = await api.get<AuthorizationJson>(await pathOf(api, id))
  print(options, token, () =>
    list([
      ['Id', token.id],
      ['Description', token.description],
      ['Scope', token.scope.join(', ')],
      ['Created', formatTimeAndAge(token.created_at)],
      ['Expires', expiryOf(token) || 'never'],
    ]),
  )
}

async function create({ description, scope, expiresIn, ...options }: CreateOptions): Promise<void> {
  const body = { description, scope, ...(expiresIn === undefined ? {} : { expires_in: secondsIn(expiresIn) }) }
  const made = await connect().post<AuthorizationJson>('/oauth/authorizations', body)
  note(`Created the token ${made.id}. It is shown only once. Revoke it with: paas tokens:revoke ${made.id}`)
  print(options, made, ({ access_token }) => access_token?.token ?? '')
}

async function rotate(id: string, options: Options): Promise<void> {
  const api = connect()
  const rotated = api.post<AuthorizationJson>(`${await pathOf(api, id)}/actions/regenerate-tokens`, {})
  const token = await progress(`Rotating ${id}`, rotated)
  note('The new secret is shown only once.')
  print(options, token, ({ access_token }) => access_token?.token ?? '')
}

/** @throws usage */
function secondsIn(time: string): number {
  const [, count, unit = 's'] = /^(\d{1,9})([smhdw])?$/.exec(time) ?? []
  if (count !== undefined) return Number(count) * (units[unit] ?? 1)
  throw new PaasError('usage', `--expires-in is ${JSON.stringify(time)}; it must be like 3600, 90m, 12h or 30d.`)
}

function expiryOf({ access_token }: AuthorizationJson): string {
  const seconds = access_token?.expires_in ?? null
  if (seconds === null) return ''
  return seconds === 0 ? 'already' : `in ${formatAge(seconds * 1000)}`
}

async function pathOf(api: Client, id: string): Promise<string> {
  const all = (): Promise<AuthorizationJson[]> => api.get<AuthorizationJson[]>('/oauth/authorizations')
  const full = await fullId(id, { what: 'token', see: 'paas tokens', all })
  return `/oauth/authorizations/${encodeURIComponent(full)}`
}
