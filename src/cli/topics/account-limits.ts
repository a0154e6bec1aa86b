import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { define, type Options } from '../command.ts'
import { heading, note, print, progress, table } from '../output.ts'
import { connect } from '../session.ts'

type LimitsJson = Record<string, { limit: number | null; used: number; given: boolean }>

export function defineAccountLimits(program: Command): void {
  define(program, {
    name: 'accounts:limits',
    arguments: '[email] [limits...]',
    summary: 'show or set the limits of an account',
    details:
      'Without an email, your own. An admin sets the limits of others: apps, dynos, builds (running or waiting), builds_per_hour, one_offs and repository_mib (all repositories together), each a number, off for no limit, or ' +
      'default for the server’s default. Everything of an app counts for its owner. Admins have no limit unless one is set.',
    examples: [
      'paas accounts:limits',
      'paas accounts:limits ada@example.com',
      'paas accounts:limits ada@example.com apps=200 dynos=off builds=default',
    ],
  }).action((email: string | undefined, limits: string[], options: Options) => {
    return limits.length === 0 ? show(email, options) : set(email ?? '', limits, options)
  })
}

async function show(email: string | undefined, options: Options): Promise<void> {
  const limits = await connect().get<LimitsJson>(email === undefined ? '/account/limits' : pathOf(email))
  print(options, limits, () => [heading(email === undefined ? 'Your Limits' : `${email} Limits`), ...rowsOf(limits)])
}

async function set(email: string, limits: string[], options: Options): Promise<void> {
  const api = connect()
  const changed = api.patch<LimitsJson>(pathOf(email), Object.fromEntries(limits.map(parse)))
  const now = await progress(`Setting the limits of ${email}`, changed)
  print(options, now, () => rowsOf(now))
  const names = limits.map((text) => `${text.split('=')[0]}=default`).join(' ')
  note(`Reset to the server's defaults with: paas accounts:limits ${email} ${names}`)
}

function rowsOf(limits: LimitsJson): string[] {
  return table(
    Object.entries(limits).map(([name, { limit, used, given }]) => [
      name,
      `${used} of ${limit ?? 'any number'}`,
      given ? 'set for this account' : '',
    ]),
  )
}

/** @throws usage */
function parse(text: string): [string, number | 'off' | null] {
  const [, name = '', value = ''] =
    /^(apps|dynos|builds|builds_per_hour|one_offs|repository_mib)=(\d{1,8}|off|default)$/.exec(text) ?? []
  if (value === '') {
    throw new PaasError('usage', `${JSON.stringify(text)} must be like apps=200, dynos=off or builds=default.`)
  }
  if (value === 'off') return [name, 'off']
  return [name, value === 'default' ? null : Number(value)]
}

function pathOf(email: string): string {
  return `/accounts/${encodeURIComponent(email)}/limits`
}
