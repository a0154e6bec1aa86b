import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { addonCalled } from '../addon-names.ts'
import type { Client } from '../client.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { confirm } from '../confirm.ts'
import { databasePath } from '../data-transfers.ts'
import { note, print, progress } from '../output.ts'
import type { AddonJson } from '../resources/data.ts'
import { connectToApp } from '../session.ts'

type UpgradeOptions = AppOptions & { version?: string; confirm?: string }
type StatusJson = {
  'waiting?': boolean
  'error?': boolean
  message: string
  step?: string
  rehearsed_seconds?: number | null
  longest_hold_seconds?: number | null
  replaced_by?: string | null
  version?: string
}

const usual = 'The default is DATABASE, and of versions the stack’s or, where it has that, the newest.'

export function definePostgresUpgrade(program: Command): void {
  defineForApp(program, {
    name: 'pg:upgrade',
    arguments: '[database]',
    summary: 'upgrade a database to a newer major version',
    details:
      'A copy is upgraded first, while the database goes on; that says for how long writes will be refused. Then, if you confirm it, the database is read-only ' +
      'while a copy as of that moment is upgraded, checked, and takes its place in all apps. The old one is kept, read-only, until you destroy it. ' +
      usual,
    examples: ['paas pg:upgrade -a acme', 'paas pg:upgrade HEROKU_POSTGRESQL_JADE --version 17 -a acme --confirm acme'],
  })
    .option('--version <version>', 'the version that it is to become')
    .option('--confirm <app>', 'the name of the app, to confirm without a prompt')
    .action(upgrade)

  defineForApp(program, {
    name: 'pg:upgrade:dryrun',
    arguments: '[database]',
    summary: 'upgrade a copy of a database, and throw it away',
    details: `It shows whether it can be upgraded, and how long it takes. ${usual}`,
    examples: ['paas pg:upgrade:dryrun -a acme'],
  })
    .option('--version <version>', 'the version that it is to become')
    .action(dryRun)

  defineForApp(program, {
    name: 'pg:upgrade:wait',
    arguments: '[database]',
    summary: 'wait until an upgrade of a database has ended',
    details: 'The default is DATABASE.',
    examples: ['paas pg:upgrade:wait -a acme'],
  }).action(wait)

  defineForApp(program, {
    name: 'pg:upgrade:cancel',
    arguments: '[database]',
    summary: 'end an upgrade that is tried on a copy',
    details: 'One whose database is read-only already is not cancelled. The default is DATABASE.',
    examples: ['paas pg:upgrade:cancel -a acme'],
  }).action(cancel)
}

async function upgrade(
  name: string | undefined,
  { version, confirm: given, ...options }: UpgradeOptions,
): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name ?? 'DATABASE')
  const rehearsed = await rehearse(api, addon, version)
  const to = rehearsed.version ?? version ?? ''
  const then = `Then a copy of version ${to} takes its place, and its apps start with that.`
  const what = `This makes ${addon.name} read-only for ${howLong(rehearsed)}. ${then}`
  await confirm(what, {
    name: app,
    ...(given === undefined ? {} : { given }),
    command: `paas pg:upgrade ${name ?? 'DATABASE'} --version ${to} -a ${app} --confirm ${app}`,
  })
  await api.post(`${databasePath(addon)}/upgrade/run`, { version: to })
  const ended = await progress(`Upgrading ${addon.name} to version ${to}`, untilUpgraded(api, addon), shown)
  print(options, ended, () => ended.replaced_by ?? '')
  note(`The old one is kept. Destroy it with: paas addons:destroy ${addon.name} -a ${app}`)
}

async function dryRun(name: string | undefined, { version, ...options }: UpgradeOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name ?? 'DATABASE')
  const ended = await rehearse(api, addon, version)
  print(options, ended, () => `Writes will be refused for ${howLong(ended)}.`)
}

function howLong({ rehearsed_seconds: seconds, longest_hold_seconds: most }: StatusJson): string {
  return `about ${seconds ?? 0} s, as the copy took, and ${most ?? 0} s at most: what takes longer is given up`
}

async function rehearse(api: Client, addon: AddonJson, version: string | undefined): Promise<StatusJson> {
  await api.post(`${databasePath(addon)}/upgrade/dry_run`, version === undefined ? {} : { version })
  const tried = untilUpgraded(api, addon)
  return progress(`Upgrading a copy of ${addon.name}`, tried, ({ rehearsed_seconds: seconds }) => `${seconds ?? 0} s`)
}

async function wait(name: string | undefined, options: AppOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name ?? 'DATABASE')
  print(options, await progress(`Waiting for ${addon.name}`, untilUpgraded(api, addon), shown), () => '')
}

async function cancel(name: string | undefined, options: AppOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name ?? 'DATABASE')
  const asked = api.post<{ message: string }>(`${databasePath(addon)}/upgrade/cancel`, {})
  print(options, await progress(`Cancelling the upgrade of ${addon.name}`, asked), () => '')
}

/** @throws upgrade_failed */
async function untilUpgraded(api: Client, addon: AddonJson): Promise<StatusJson> {
  for (;;) {
    const now = await api.get<StatusJson>(`${databasePath(addon)}/upgrade/wait_status`)
    if (now['error?']) throw new PaasError('upgrade_failed', now.message)
    if (now.step === 'cancelled') throw new PaasError('upgrade_failed', `The upgrade of ${addon.name} was cancelled.`)
    if (!now['waiting?']) return now
    await delay(500)
  }
}

function shown({ replaced_by: by, message }: StatusJson): string {
  return by ?? message
}
