import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { addonCalled, pathOf } from '../addon-names.ts'
import { attach } from '../attach.ts'
import type { Client } from '../client.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { confirm } from '../confirm.ts'
import { databasePath, sizeOf, transferNameOf, untilOver, type DataTransferJson } from '../data-transfers.ts'
import { print, progress } from '../output.ts'
import { localDatabase, type LocalDatabase } from '../local-database.ts'
import type { AddonJson } from '../resources/data.ts'
import { connectToApp } from '../session.ts'

type ConfirmOptions = AppOptions & { confirm?: string }

export function definePostgres(program: Command): void {
  defineForApp(program, {
    name: 'pg:copy',
    arguments: '<source> <target>',
    summary: 'put what one database holds in the place of all in another',
    details: 'Each is an add-on of the app, or APP::NAME of another. Copies of REDIS go likewise.',
    examples: [
      'paas pg:copy DATABASE HEROKU_POSTGRESQL_JADE -a acme',
      'paas pg:copy acme::DATABASE DATABASE -a staging',
    ],
  })
    .option('--confirm <addon>', 'the name of the target, to confirm without a prompt')
    .action(copy)

  defineForApp(program, {
    name: 'pg:pull',
    arguments: '<source> <target>',
    summary: 'copy a database into one of this machine or elsewhere',
    details: 'It needs pg_restore and createdb here, but no open port there. A TARGET that is a name is created.',
    examples: ['paas pg:pull DATABASE acme_dev -a acme', 'paas pg:pull DATABASE postgres://localhost/empty -a acme'],
  }).action(pull)

  defineForApp(program, {
    name: 'pg:push',
    arguments: '<source> <target>',
    summary: 'put a database of this machine in the place of one there',
    details: 'It needs pg_dump here, but no open port there. SOURCE is a name or a URL.',
    examples: ['paas pg:push acme_dev DATABASE -a acme --confirm acme'],
  })
    .option('--confirm <app>', 'the name of the app, to confirm without a prompt')
    .action(push)

  defineForApp(program, {
    name: 'pg:kill',
    arguments: '<pid> [database]',
    summary: 'end a query of a database, by its process id',
    examples: ['paas pg:kill 4242 -a acme', 'paas pg:kill 4242 --force   # its connection too'],
  })
    .option('-f, --force', 'end its connection too')
    .action(kill)

  defineForApp(program, {
    name: 'pg:killall',
    arguments: '[database]',
    summary: 'end all connections to a database',
    details: 'Apps connect again.',
    examples: ['paas pg:killall -a acme'],
  }).action(killAll)
}

async function copy(source: string, target: string, { confirm: given, ...options }: ConfirmOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const [from, to] = await Promise.all([addonIn(api, app, source), addonIn(api, app, target)])
  await confirm(`This puts what ${from.name} holds in the place of all that ${to.name} holds.`, {
    name: to.name,
    ...(given === undefined ? {} : { given }),
    command: `paas pg:copy ${source} ${target} -a ${app} --confirm ${to.name}`,
  })
  const body = { from_name: from.name, from_url: urlOf(from), to_name: to.name, to_url: urlOf(to) }
  const begun = await api.post<DataTransferJson>(`${databasePath(to)}/transfers`, body)
  const path = `/client/v11/apps/${encodeURIComponent(to.app.name)}/transfers`
  print(options, await progress(`Copying ${from.name} to ${to.name}`, untilOver(api, path, begun), sizeOf), () =>
    transferNameOf(begun),
  )
}

/** `DATABASE`, or `acme::DATABASE`. */
async function addonIn(api: Client, app: string, name: string): Promise<AddonJson> {
  const [, other, own] = /^(.+)::(.+)$/.exec(name) ?? []
  return addonCalled({ api, app: other ?? app }, own ?? name)
}

/** Where Heroku's command would name its credentials, the host says which it is. */
function urlOf({ provider_id: host }: AddonJson): string {
  return `postgres://${host}`
}

async function pull(source: string, target: string, options: AppOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonIn(api, app, source)
  const local = localDatabase(target)
  if (local.isName) await ended(run('createdb', [target], local))
  const restoring = run('pg_restore', ['--no-owner', '--no-privileges', `--dbname=${local.name}`], local)
  const pulled = Promise.all([besideIt(api, addon, 'dump', { output: restoring.stdin as Writable }), ended(restoring)])
  await progress(`Pulling ${addon.name} to ${local.shown}`, pulled)
}

async function push(source: string, target: string, { confirm: given, ...options }: ConfirmOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonIn(api, app, target)
  await confirm(`This puts ${localDatabase(source).shown} in the place of all that ${addon.name} holds.`, {
    name: app,
    ...(given === undefined ? {} : { given }),
    command: `paas pg:push ${source} ${target} -a ${app} --confirm ${app}`,
  })
  const local = localDatabase(source)
  const dumping = run('pg_dump', ['--format=custom', '--no-privileges', `--dbname=${local.name}`], local)
  const pushed = Promise.all([ended(dumping), besideIt(api, addon, 'load', { input: dumping.stdout as Readable })])
  await progress(`Pushing ${local.shown} to ${addon.name}`, pushed)
}

function run(program: string, argv: string[], { env }: LocalDatabase): ChildProcess {
  return spawn(program, argv, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } })
}

/** @throws invalid_params */
async function ended(child: ChildProcess): Promise<void> {
  const program = child.spawnfile
  const [code] = (await once(child, 'close').catch((cause: unknown) => {
    throw new PaasError('invalid_params', `${program} cannot be started: ${(cause as Error).message}`, {
      hint: 'Install the client of PostgreSQL, for example: apt-get install postgresql-client',
    })
  })) as [number | null]
  if (code !== 0) throw new PaasError('invalid_params', `${program} exited with ${code}.`)
}

type Streams = { input?: Readable; output?: Writable }

/** Runs a program of the service with these streams. @throws dump_failed */
async function besideIt(api: Client, addon: AddonJson, program: 'dump' | 'load', streams: Streams): Promise<void> {
  const body = { args: [program], force_no_tty: true }
  const { attach_url: url } = await api.post<{ attach_url: string }>(`${pathOf(addon)}/actions/client`, body)
  const socket = await api.upgrade(new URL(url).pathname.slice(1), '')
  const { input = nothing(), output = process.stdout } = streams
  const terminal = { stdin: input, stdout: output, stderr: process.stderr, raw: false }
  const code = await attach(socket, terminal as unknown as Parameters<typeof attach>[1], () => undefined)
  if (streams.output) streams.output.end()
  if (code !== 0) throw new PaasError('dump_failed', `${program} of ${addon.name} exited with ${code}.`)
}

function nothing(): Readable {
  return new PassThrough().end()
}

async function kill(
  pid: string,
  name: string | undefined,
  { force, ...options }: AppOptions & { force?: true },
): Promise<void> {
  if (!/^\d{1,9}$/.test(pid)) throw new PaasError('usage', `"${pid}" is no process id.`)
  const { api, app } = await connectToApp(options)
  const addon = await addonIn(api, app, name ?? 'DATABASE')
  const does = force ? 'pg_terminate_backend' : 'pg_cancel_backend'
  const { attach_url: url } = await api.post<{ attach_url: string }>(`${pathOf(addon)}/actions/client`, {
    args: ['-tAc', `SELECT ${does}(${pid})`],
    force_no_tty: true,
  })
  const socket = await api.upgrade(new URL(url).pathname.slice(1), '')
  const output = new PassThrough()
  const terminal = { stdin: nothing(), stdout: output, stderr: process.stderr, raw: false }
  const code = await attach(socket, terminal as unknown as Parameters<typeof attach>[1], () => undefined)
  const isKilled = String(output.read() ?? '').trim() === 't'
  if (code !== 0 || !isKilled) throw new PaasError('invalid_params', `${addon.name} has no process ${pid}.`)
  print(options, { pid: Number(pid) }, () => '')
}

async function killAll(name: string | undefined, options: AppOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonIn(api, app, name ?? 'DATABASE')
  const asked = api.post(`${databasePath(addon)}/connection_reset`, {})
  print(options, await progress(`Ending the connections to ${addon.name}`, asked), () => '')
}
