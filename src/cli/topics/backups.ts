import { createWriteStream, existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { addonCalled } from '../addon-names.ts'
import type { Client } from '../client.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { confirm } from '../confirm.ts'
import {
  backupCalled,
  databasePath,
  lastBackup,
  transferNameOf,
  sizeOf,
  transferStatus,
  transferCalled,
  untilOver,
  type DataTransferJson,
} from '../data-transfers.ts'
import { heading, list as pairs, note, print, progress, table } from '../output.ts'
import { connectToApp } from '../session.ts'

type ConfirmOptions = AppOptions & { confirm?: string }
type WaitOptions = AppOptions & { wait: boolean }

const database =
  'DATABASE is any add-on that can be copied: a database, or REDIS. The default is the one of DATABASE_URL.'

export function defineBackups(program: Command): void {
  defineForApp(program, {
    name: 'pg:backups',
    summary: 'list backups, restores and copies of databases',
    examples: ['paas pg:backups -a acme'],
  }).action(list)

  defineForApp(program, {
    name: 'pg:backups:capture',
    arguments: '[database]',
    summary: 'back a database up now',
    details: `It counts once it was read back. ${database}`,
    examples: ['paas pg:backups:capture -a acme', 'paas pg:backups:capture REDIS -a acme'],
  })
    .option('--no-wait', 'return at once')
    .action(capture)

  ofOne(program, 'pg:backups:info', 'show a backup with its log', ['paas pg:backups:info b004']).action(info)

  ofOne(program, 'pg:backups:download', 'download a backup', [
    'paas pg:backups:download b004',
    'paas pg:backups:download -o - | pg_restore --list',
  ])
    .option('-o, --output <path>', 'where to; - for stdout (default: latest.dump)')
    .action(download)

  ofOne(program, 'pg:backups:url', 'print a URL of a backup, good for an hour', [
    'paas pg:backups:restore "$(paas pg:backups:url -a acme)" -a acme-staging --confirm acme-staging',
  ]).action(url)

  defineForApp(program, {
    name: 'pg:backups:restore',
    arguments: '[backup] [database]',
    summary: 'put a backup in the place of what a database holds',
    details: `BACKUP is a name, APP::NAME or the URL of a dump; the default is the newest one. ${database}`,
    examples: [
      'paas pg:backups:restore b004 -a acme --confirm acme',
      'paas pg:backups:restore https://example.com/acme.dump DATABASE_URL -a acme --confirm acme',
    ],
  })
    .option('--no-wait', 'return at once')
    .option('--confirm <app>', 'the name of the app, to confirm without a prompt')
    .action(restore)

  ofOne(program, 'pg:backups:cancel', 'end a backup, restore or copy under way', ['paas pg:backups:cancel']).action(
    cancel,
  )

  defineForApp(program, {
    name: 'pg:backups:delete',
    arguments: '<backup>',
    summary: 'delete a backup for good',
    examples: ['paas pg:backups:delete b004 -a acme --confirm acme'],
  })
    .option('--confirm <app>', 'the name of the app, to confirm without a prompt')
    .action(remove)
}

function ofOne(program: Command, name: string, summary: string, examples: string[]): Command {
  const details = 'The default is the newest one.'
  return defineForApp(program, { name, arguments: '[backup]', summary, details, examples })
}

async function list(options: AppOptions): Promise<void> {
  const { api, path } = await target(options)
  const all = await api.get<DataTransferJson[]>(path)
  const rows = (title: string, some: DataTransferJson[], columns: (one: DataTransferJson) => string[]): string[] => [
    heading(title),
    ...(some.length === 0 ? ['none'] : table(some.map(columns))),
    '',
  ]
  const common = (one: DataTransferJson): string[] => [
    transferNameOf(one),
    one.created_at,
    transferStatus(one),
    sizeOf(one),
  ]
  const ofType = (from: string, to: string) => all.filter((one) => one.from_type === from && one.to_type === to)
  print(options, all, () => [
    ...rows('Backups', ofType('pg_dump', 'gof3r'), (one) => [...common(one), one.from_name]),
    ...rows('Restores', ofType('gof3r', 'pg_restore').slice(0, 10), (one) => [
      ...common(one),
      one.from_name,
      one.to_name,
    ]),
    ...rows('Copies', ofType('pg_dump', 'pg_restore').slice(0, 10), (one) => [
      ...common(one),
      one.from_name,
      one.to_name,
    ]),
  ])
}

async function capture(name: string | undefined, { wait, ...options }: WaitOptions): Promise<void> {
  const { api, app, path } = await target(options)
  const addon = await addonCalled({ api, app }, name ?? 'DATABASE')
  const begun = await api.post<DataTransferJson>(`${databasePath(addon)}/backups`, {})
  const what = `Backing up ${addon.name} to ${transferNameOf(begun)}`
  const ownPath = addon.app.name === app ? path : transfersOf(addon.app.name)
  await follow({ api, path: ownPath }, begun, { what, wait, options })
}

async function info(name: string | undefined, options: AppOptions): Promise<void> {
  const { api, path } = await target(options)
  const { num } = name === undefined ? await lastBackup(api, path) : await transferCalled(api, path, name)
  const backup = await api.get<DataTransferJson>(`${path}/${num}?verbose=true`)
  print(options, backup, () => [
    heading(`Backup ${transferNameOf(backup)}`),
    ...pairs([
      ['Database', backup.from_name],
      ['Started at', backup.started_at ?? ''],
      ['Finished at', backup.finished_at ?? ''],
      ['Status', transferStatus(backup)],
      ['Type', backup.schedule ? 'Scheduled' : 'Manual'],
      ['Size', sizeOf(backup)],
    ]),
    '',
    ...(backup.logs ?? []).map((line) => `${line.created_at} ${line.message}`),
  ])
}

async function download(name: string | undefined, options: AppOptions & { output?: string }): Promise<void> {
  const { api, path } = await target(options)
  const backup = await backupCalled(api, path, name)
  const content = await api.stream(await urlOf(api, path, backup), {})
  const output = options.output ?? freeName()
  if (output === '-') return pipeline(content, process.stdout)
  const written = pipeline(content, createWriteStream(output)).catch(async (cause: unknown) => {
    await rm(output, { force: true })
    throw cause
  })
  await progress(`Downloading ${transferNameOf(backup)}`, written, () => output)
  print(options, { backup: transferNameOf(backup), output }, () => '')
}

/** As Heroku's command names them. */
function freeName(): string {
  for (let n = 0; ; n++) {
    const name = n === 0 ? 'latest.dump' : `latest.dump.${n}`
    if (!existsSync(name)) return name
  }
}

async function url(name: string | undefined, options: AppOptions): Promise<void> {
  const { api, path } = await target(options)
  const found = await urlOf(api, path, await backupCalled(api, path, name))
  print(options, { url: found }, () => found)
}

async function urlOf(api: Client, path: string, { num }: DataTransferJson): Promise<string> {
  return (await api.post<{ url: string }>(`${path}/${num}/actions/public-url`, {})).url
}

async function restore(
  from: string | undefined,
  name: string | undefined,
  { wait, confirm: given, ...options }: WaitOptions & ConfirmOptions,
): Promise<void> {
  const { api, app, path } = await target(options)
  const addon = await addonCalled({ api, app }, name ?? 'DATABASE')
  const source = await sourceOf(api, path, from)
  await confirm(`This puts ${source.name} in the place of all that ${addon.name} holds.`, {
    name: app,
    ...(given === undefined ? {} : { given }),
    command: `paas pg:backups:restore ${from ?? source.name} ${name ?? 'DATABASE'} -a ${app} --confirm ${app}`,
  })
  const begun = await api.post<DataTransferJson>(`${databasePath(addon)}/restores`, { backup_url: source.url })
  const what = `Restoring ${source.name} to ${addon.name}`
  await follow({ api, path: transfersOf(addon.app.name) }, begun, { what, wait, options })
}

async function sourceOf(api: Client, path: string, from: string | undefined): Promise<{ name: string; url: string }> {
  if (from !== undefined && /^https?:\/\//.test(from)) return { name: from.replace(/[?#].*$/s, ''), url: from }
  const [, otherApp, name] = /^(.+)::(.+)$/.exec(from ?? '') ?? []
  const backup = await backupCalled(api, otherApp === undefined ? path : transfersOf(otherApp), name ?? from)
  return { name: transferNameOf(backup), url: backup.to_url ?? '' }
}

async function cancel(name: string | undefined, options: AppOptions): Promise<void> {
  const { api, path } = await target(options)
  const all = await api.get<DataTransferJson[]>(path)
  const transfer = name === undefined ? all.find((one) => !one.finished_at) : await transferCalled(api, path, name)
  if (!transfer) throw new PaasError('invalid_params', 'Nothing is under way.')
  const gone = api.post<DataTransferJson>(`${path}/${transfer.uuid}/actions/cancel`, {})
  print(options, await progress(`Cancelling ${transferNameOf(transfer)}`, gone), () => '')
}

async function remove(name: string, { confirm: given, ...options }: ConfirmOptions): Promise<void> {
  const { api, app, path } = await target(options)
  const transfer = await transferCalled(api, path, name)
  await confirm(`This deletes ${transferNameOf(transfer)} of ${transfer.from_name} for good.`, {
    name: app,
    ...(given === undefined ? {} : { given }),
    command: `paas pg:backups:delete ${name} -a ${app} --confirm ${app}`,
  })
  print(
    options,
    await progress(`Deleting ${transferNameOf(transfer)}`, api.delete(`${path}/${transfer.num}`)),
    () => '',
  )
}

type Following = { what: string; wait: boolean; options: AppOptions }

async function follow(
  { api, path }: { api: Client; path: string },
  begun: DataTransferJson,
  { what, wait, options }: Following,
): Promise<void> {
  if (wait) print(options, await progress(what, untilOver(api, path, begun), sizeOf), () => transferNameOf(begun))
  else print(options, begun, () => transferNameOf(begun))
  if (!wait) note(`Follow it with: paas pg:backups:info ${transferNameOf(begun)}`)
}

function transfersOf(app: string): string {
  return `/client/v11/apps/${encodeURIComponent(app)}/transfers`
}

async function target(options: AppOptions): Promise<{ api: Client; app: string; path: string }> {
  const { api, app } = await connectToApp(options)
  return { api, app, path: transfersOf(app) }
}
