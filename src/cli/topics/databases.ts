import { open } from 'node:fs/promises'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { addonCalled, pathOf } from '../addon-names.ts'
import { attachHere } from '../attach-here.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { confirm } from '../confirm.ts'
import { print, progress } from '../output.ts'
import type { AddonAttachmentJson, AddonJson } from '../resources/data.ts'
import { connect, connectToApp } from '../session.ts'

type PsqlOptions = AppOptions & { command?: string; file?: string; tty: boolean }
type ConfirmOptions = AppOptions & { confirm?: string }

export function defineDatabases(program: Command): void {
  defineForApp(program, {
    name: 'pg:psql',
    arguments: '[addon]',
    summary: 'run psql on a database',
    details: 'It runs beside the database: neither an open port nor a client on this machine is needed.',
    examples: ['paas pg:psql -a acme', 'paas pg:psql -c "select count(*) from users"', 'paas pg:psql -f schema.sql'],
  })
    .option('-c, --command <sql>', 'run this and end')
    .option('-f, --file <path>', 'run this file and end')
    .option('--no-tty', 'use pipes even in a terminal')
    .action(psql)

  defineForApp(program, {
    name: 'redis:cli',
    arguments: '[addon]',
    summary: 'run the client of Redis (valkey-cli)',
    examples: ['paas redis:cli -a acme', 'echo "KEYS *" | paas redis:cli'],
  })
    .option('--no-tty', 'use pipes even in a terminal')
    .action((name: string | undefined, options: AppOptions & { tty: boolean }) => client(name ?? 'REDIS', [], options))

  defineForApp(program, {
    name: 'mysql:cli',
    arguments: '[addon]',
    summary: 'run the client of MySQL (mariadb) on a database',
    details: 'It runs beside the database: neither an open port nor a client on this machine is needed.',
    examples: ['paas mysql:cli -a acme', 'paas mysql:cli -e "SHOW TABLES"', 'paas mysql:cli < schema.sql'],
  })
    .option('-e, --execute <sql>', 'run this and end')
    .option('--no-tty', 'use pipes even in a terminal')
    .action((name: string | undefined, { execute, ...options }: AppOptions & { tty: boolean; execute?: string }) =>
      client(name ?? 'mysql', execute === undefined ? [] : ['-e', execute], options),
    )

  defineForApp(program, {
    name: 'addons:client',
    arguments: '<addon> [args...]',
    summary: "run a service's own client beside it, with these arguments",
    examples: ['paas addons:client DATABASE -- -c "select 1"'],
  })
    .option('--no-tty', 'use pipes even in a terminal')
    .option('--tunnel', "connect stdin and stdout with the service's port instead")
    .action((name: string, args: string[], options: AppOptions & { tty: boolean }) => client(name, args, options))

  for (const { topic, usual } of [
    { topic: 'pg', usual: 'DATABASE' },
    { topic: 'redis', usual: 'REDIS' },
    { topic: 'mysql', usual: 'mysql' },
    { topic: 'addons', usual: undefined },
  ]) {
    const args = usual === undefined ? '<addon>' : '[addon]'
    const what = topic === 'addons' ? 'an add-on' : 'a database'
    defineForApp(program, {
      name: `${topic}:reset`,
      arguments: args,
      summary: `delete all data of ${what}`,
      examples: [`paas ${topic}:reset ${usual ?? 'CACHE'} -a acme --confirm acme`],
    })
      .option('--confirm <app>', 'the name of the app, to confirm without a prompt')
      .action((name: string | undefined, options: ConfirmOptions) => act(name ?? usual ?? '', 'reset', options))
    defineForApp(program, {
      name: `${topic}:rotate`,
      arguments: args,
      summary: `give ${what} another password`,
      details: 'The apps get it with a release each; connections that are open go on.',
      examples: [`paas ${topic}:rotate ${usual ?? 'DATABASE'} -a acme`],
    }).action((name: string | undefined, options: AppOptions) => act(name ?? usual ?? '', 'rotate', options))
  }

  for (const { topic, other } of [
    { topic: 'pg', other: 'HEROKU_POSTGRESQL_JADE' },
    { topic: 'mysql', other: 'MYSQL_JADE' },
  ]) {
    defineForApp(program, {
      name: `${topic}:promote`,
      arguments: '<addon>',
      summary: 'make a database the one of DATABASE_URL',
      details: 'The one that was keeps another name: it gets one if it has none.',
      examples: [`paas ${topic}:promote ${other} -a acme`],
    }).action(promote)
  }
}

async function psql(name: string | undefined, { command, file, ...options }: PsqlOptions): Promise<void> {
  if (file === undefined) return client(name ?? 'DATABASE', command === undefined ? [] : ['-c', command], options)
  await using input = await open(file)
  await client(name ?? 'DATABASE', ['-f', '-'], { ...options, tty: false, input: input.createReadStream() })
}

type ClientOptions = AppOptions & { tty: boolean; tunnel?: true; input?: NodeJS.ReadableStream }

async function client(name: string, args: string[], { tty, tunnel, input, ...options }: ClientOptions): Promise<void> {
  // Whoever speaks for Heroku's command names the add-on by its host, of whatever app it is.
  const isHost = /-[0-9a-f]{12}$/.test(name)
  const { api, id } = isHost ? { api: connect(), id: name } : await addonOf(name, options)
  const raw = tty && input === undefined && process.stdin.isTTY && process.stdout.isTTY
  const term = raw && process.env['TERM'] ? { term: process.env['TERM'] } : {}
  const body = { args, force_no_tty: !raw, ...term, ...(tunnel && { tunnel }) }
  const { attach_url: url } = await api.post<{ attach_url: string }>(`${pathOf({ id })}/actions/client`, body)
  await attachHere(api, { url, raw, ...(input && { input: input as NodeJS.ReadStream }), what: `Connected to ${name}` })
}

async function addonOf(name: string, options: AppOptions) {
  const { api, app } = await connectToApp(options)
  return { api, id: (await addonCalled({ api, app }, name)).id }
}

async function act(
  name: string,
  work: 'reset' | 'rotate',
  { confirm: given, ...options }: ConfirmOptions,
): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name)
  if (work === 'reset') {
    await confirm(`This deletes all data of ${addon.name}.`, {
      name: app,
      ...(given === undefined ? {} : { given }),
      command: `paas addons:reset ${addon.name} -a ${app} --confirm ${app}`,
    })
  }
  const doing = work === 'reset' ? `Resetting ${addon.name}` : `Changing the password of ${addon.name}`
  print(options, await progress(doing, api.post<AddonJson>(`${pathOf(addon)}/actions/${work}`, {})), () => '')
}

async function promote(name: string, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name)
  const attached = await api.get<AddonAttachmentJson[]>(`${path}/addon-attachments`)
  const current = attached.find((one) => one.name === 'DATABASE')
  if (current?.addon.id === addon.id) {
    throw new PaasError('addon_attached', `${addon.name} is the one of DATABASE_URL already.`)
  }
  const isKept = attached.some((one) => one.addon.id === current?.addon.id && one.name !== 'DATABASE')
  if (current && !isKept) {
    const kept = api.post<AddonAttachmentJson>('/addon-attachments', { addon: current.addon.id, app })
    await progress(`Giving ${current.addon.name} another name`, kept, (one) => one.name)
  }
  const made = api.post('/addon-attachments', { addon: addon.id, app, name: 'DATABASE', confirm: app })
  print(options, await progress(`Promoting ${addon.name} to DATABASE_URL of ${app}`, made), () => '')
}
