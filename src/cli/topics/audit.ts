import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import type { Client } from '../client.ts'
import { define, defineForApp, type AppOptions, type Options } from '../command.ts'
import { heading, note, print, table } from '../output.ts'
import type { AuditEntryJson, AuditVerdictJson } from '../resources/accounts.ts'
import { connect, connectToApp } from '../session.ts'
import { formatMoment } from '../time.ts'

type ListOptions = AppOptions & {
  server?: true
  num: string
  all?: true
  account?: string
  action?: string
  client?: string
  since?: string
  until?: string
}

/** Entries in one answer of the server. */
const atOnce = 1000

export function defineAudit(program: Command): void {
  defineForApp(program, {
    name: 'audit',
    summary: 'show who changed what, from where',
    details:
      'The newest entries, the newest last. Of an app for all who may see it; --server shows those of the whole server to admins. ' +
      '--json prints one entry a line, each with the hash of the one before.',
    examples: [
      'paas audit -a acme',
      'paas audit -a acme --account ada@example.com --action config-vars',
      'paas audit --server --action login.fail --since 2026-11-27',
      'paas audit --server --all --json > audit.jsonl',
    ],
  })
    .option('--server', 'of all apps and of the server')
    .option('-n, --num <number>', 'how many entries', '50')
    .option('--all', 'all that are kept')
    .option('--account <email>', 'what this account did')
    .option('--action <name>', 'such as config-vars.update, or all of config-vars')
    .option('--client <network>', 'what came from this address')
    .option('--since <time>', 'from then on: 2026-11-27T10:00:00Z, or a date')
    .option('--until <time>', 'before then')
    .action(list)

  define(program, {
    name: 'audit:verify',
    summary: 'check that no entry of the log was changed or removed',
    details:
      'Exits with 1 and names the first entry that is not as it should be. Note the number and hash that it prints somewhere else: with --head ' +
      'it also checks that the log still has that entry. For admins only.',
    examples: ['paas audit:verify', 'paas audit:verify --head 4711:2f77668a9dfbf8d5'],
  })
    .option('--head <number:hash>', 'an entry that was noted earlier')
    .action(verify)
}

async function list(options: ListOptions): Promise<void> {
  if (!/^\d+$/.test(options.num)) throw new PaasError('usage', `--num is "${options.num}"; it must be a number.`)
  const { api, path, title } = await logOf(options)
  const query = queryOf(options)
  const entries = options.all ? await allOf(api, path, query) : await newestOf(api, path, query, Number(options.num))
  if (entries.length === 0) note('There are no such entries.')
  if (options.json) process.stdout.write(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
  else print({}, entries, () => [heading(title), ...table(entries.map((entry) => rowOf(entry, options)))])
}

async function logOf(options: ListOptions): Promise<{ api: Client; path: string; title: string }> {
  if (options.server) return { api: connect(), path: '/audit-entries', title: 'Audit log of the server' }
  const { api, app, path } = await connectToApp(options)
  return { api, path: `${path}/audit-entries`, title: `${app} Audit log` }
}

function queryOf({ account, action, client, since, until }: ListOptions): Record<string, string> {
  const given = { account, action, client, since, until }
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

async function newestOf(api: Client, path: string, query: object, num: number): Promise<AuditEntryJson[]> {
  const entries: AuditEntryJson[] = []
  while (entries.length < num) {
    const limit = String(Math.min(atOnce, num - entries.length))
    const before = entries[0] && { before: String(entries[0].sequence) }
    const part = await ask(api, path, { ...query, ...before, limit })
    entries.unshift(...part)
    if (part.length < Number(limit)) break
  }
  return entries
}

async function allOf(api: Client, path: string, query: object): Promise<AuditEntryJson[]> {
  const entries: AuditEntryJson[] = []
  for (let part: AuditEntryJson[], after = 0; ; after = part.at(-1)!.sequence) {
    part = await ask(api, path, { ...query, after: String(after), limit: String(atOnce) })
    entries.push(...part)
    if (part.length < atOnce) return entries
  }
}

function ask(api: Client, path: string, query: Record<string, string>): Promise<AuditEntryJson[]> {
  return api.get<AuditEntryJson[]>(`${path}?${new URLSearchParams(query).toString()}`)
}

function rowOf(entry: AuditEntryJson, { server }: ListOptions): string[] {
  const { sequence, created_at, action, account, via, client, app, resource, detail, failure } = entry
  const who = account?.email ?? (via === 'server' ? 'the server' : 'somebody')
  const what = [resource ?? '', ...Object.entries(detail).map(say), failure === null ? '' : `failed: ${failure}`]
  return [
    String(sequence),
    formatMoment(created_at),
    who,
    client ?? '',
    ...(server ? [app?.name ?? ''] : []),
    action,
    what.filter(Boolean).join(' '),
  ]
}

function say([name, value]: [string, unknown]): string {
  return `${name}=${Array.isArray(value) ? value.join(',') : String(value)}`
}

async function verify(options: Options & { head?: string }): Promise<void> {
  const api = connect()
  const verdict = await api.get<AuditVerdictJson>('/audit-verdict')
  const { broken, head, start, entries } = verdict
  print(options, verdict, () => (broken ? '' : `${entries} entries, ${start.sequence + 1} to ${head.sequence}: intact`))
  if (broken) throw new PaasError('audit_broken', `Entry ${broken.sequence} of the audit log: ${broken.reason}.`)
  if (options.head !== undefined) await checkHead(api, options.head, verdict)
  note(`Note this somewhere else, to check against later: --head ${head.sequence}:${head.hash}`)
}

/** Whoever can write to the database can write a log anew, whose hashes are right but others. */
async function checkHead(api: Client, noted: string, { start }: AuditVerdictJson): Promise<void> {
  const [, number = '', hash = ''] = /^(\d+):([\da-f]{8,64})$/.exec(noted) ?? []
  if (number === '') throw new PaasError('usage', '--head must be a number and a hash, as audit:verify prints them.')
  if (Number(number) <= start.sequence) return note(`Entry ${number} is too old to be kept.`)
  const [entry] = await ask(api, '/audit-entries', { after: String(Number(number) - 1), limit: '1' })
  if (entry && entry.sequence === Number(number) && entry.hash.startsWith(hash)) return undefined
  throw new PaasError('audit_broken', `Entry ${number} of the audit log is not the one that was noted.`)
}
