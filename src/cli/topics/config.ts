import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { awaitRelease } from '../await-release.ts'
import type { Client } from '../client.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { heading, list, note, print, progress } from '../output.ts'
import { parsePairs } from '../pairs.ts'
import type { ConfigVars, ReleaseJson } from '../resources.ts'
import { connectToApp } from '../session.ts'

export function defineConfig(program: Command): void {
  defineForApp(program, {
    name: 'config',
    summary: 'show the config vars of an app',
    details: 'With --shell as KEY=VALUE lines that a shell can read.',
    examples: ['paas config -a acme', 'paas config --shell > .env'],
  })
    .option('-s, --shell', 'KEY=VALUE lines for a shell')
    .action(show)

  defineForApp(program, {
    name: 'config:get',
    arguments: '<key>',
    summary: 'print the value of one config var',
    examples: ['paas config:get DATABASE_URL'],
  }).action(get)

  defineForApp(program, {
    name: 'config:set',
    arguments: '<KEY=VALUE...>',
    summary: 'set config vars',
    details:
      'This makes a new release and restarts the app. Values are not repeated on the terminal. KEY=- reads the value from stdin, so that it is in no process list or history.',
    examples: ['paas config:set LOG_LEVEL=debug GREETING="hello there"', 'paas config:set CERT=- < cert.pem'],
  })
    .option('--no-wait', 'do not wait until the new release serves')
    .action(set)

  defineForApp(program, {
    name: 'config:unset',
    arguments: '<key...>',
    summary: 'remove config vars',
    details: 'This makes a new release and restarts the app.',
    examples: ['paas config:unset LOG_LEVEL GREETING'],
  })
    .option('--no-wait', 'do not wait until the new release serves')
    .action(unset)
}

async function show(options: AppOptions & { shell?: true }): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const vars = await api.get<ConfigVars>(`${path}/config-vars`)
  const sorted = Object.entries(vars).toSorted(([a], [b]) => (a < b ? -1 : 1))
  print(options, vars, () => {
    if (options.shell) return sorted.map(([key, value]) => `${key}=${quote(value)}`)
    return sorted.length === 0 ? `${app} has no config vars.` : [heading(`${app} Config Vars`), ...list(sorted)]
  })
}

async function get(key: string, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const value = (await api.get<ConfigVars>(`${path}/config-vars`))[key]
  if (value === undefined) throw missing(app, [key])
  print(options, { [key]: value }, () => value)
}

type ChangeOptions = AppOptions & { wait: boolean }

async function set(pairs: string[], options: ChangeOptions): Promise<void> {
  const vars = await parsePairs(pairs)
  await change(`Setting ${Object.keys(vars).join(', ')}`, vars, await connectToApp(options), options)
}

async function unset(keys: string[], options: ChangeOptions): Promise<void> {
  const target = await connectToApp(options)
  const present = await target.api.get<ConfigVars>(`${target.path}/config-vars`)
  const absent = keys.filter((key) => !Object.hasOwn(present, key))
  if (absent.length > 0) throw missing(target.app, absent)
  await change(`Unsetting ${keys.join(', ')}`, Object.fromEntries(keys.map((key) => [key, null])), target, options)
}

async function change(
  what: string,
  vars: Record<string, string | null>,
  { api, app, path }: { api: Client; app: string; path: string },
  options: ChangeOptions,
): Promise<void> {
  const [before] = await newestReleases(api, path, 1)
  const result = await progress(`${what} of ${app}`, api.patch<ConfigVars>(`${path}/config-vars`, vars))
  const [release, previous] = await newestReleases(api, path, 2)
  if (release === undefined || release.version === before?.version)
    note('Nothing was different, so there is no new release.')
  else await follow(release)
  print(options, result, () => '')

  async function follow({ version }: ReleaseJson): Promise<void> {
    if (options.wait)
      await awaitRelease(api, { app, path }, version, `Restarting ${app} as v${version}`).catch(takenBack)
    else note(`Made release v${version}.`)
    if (previous) note(`Undo with: paas rollback v${previous.version} -a ${app}`)
  }

  async function takenBack(cause: unknown): Promise<never> {
    const now = await api.get<ConfigVars>(`${path}/config-vars`)
    if (Object.entries(vars).some(([key, value]) => (now[key] ?? null) !== value)) note('The change is taken back.')
    throw cause
  }
}

function newestReleases(api: Client, path: string, count: number): Promise<ReleaseJson[]> {
  return api.get<ReleaseJson[]>(`${path}/releases`, { range: `version ..; order=desc,max=${count}` })
}

function missing(app: string, keys: string[]): PaasError {
  return new PaasError('not_found', `${app} has no config var ${keys.join(', ')}.`, {
    hint: `See: paas config -a ${app}`,
  })
}

function quote(value: string): string {
  return /^[\w@%+=:,./-]*$/.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`
}
