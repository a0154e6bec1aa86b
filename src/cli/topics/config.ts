import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { changeConfig, type ChangeOptions } from '../change-config.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { formatConfig, parseConfig } from '../config-file.ts'
import { edit } from '../editor.ts'
import { heading, list, note, print } from '../output.ts'
import { parsePairs } from '../pairs.ts'
import type { ConfigVars } from '../../model/release.ts'
import { connectToApp } from '../session.ts'

export function defineConfig(program: Command): void {
  defineForApp(program, {
    name: 'config',
    summary: 'show the config vars of an app',
    details: 'With --shell, prints KEY=VALUE lines that a shell can read.',
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
      'This makes a new release and restarts the app. Values are not printed. KEY=- reads the value from stdin, which keeps it out of process lists and shell history.',
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

  defineForApp(program, {
    name: 'config:edit',
    arguments: '[key]',
    summary: 'edit all config vars, or one, in your editor',
    details: 'Opens $VISUAL or $EDITOR. All changes make one new release, or none if nothing changed.',
    examples: ['paas config:edit', 'EDITOR=nano paas config:edit CERTIFICATE -a acme'],
  })
    .option('--no-wait', 'do not wait until the new release serves')
    .action(editVars)
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

async function set(pairs: string[], options: ChangeOptions): Promise<void> {
  const vars = await parsePairs(pairs)
  await changeConfig(`Setting ${Object.keys(vars).join(', ')}`, vars, await connectToApp(options), options)
}

async function unset(keys: string[], options: ChangeOptions): Promise<void> {
  const target = await connectToApp(options)
  const present = await target.api.get<ConfigVars>(`${target.path}/config-vars`)
  const absent = keys.filter((key) => !Object.hasOwn(present, key))
  if (absent.length > 0) throw missing(target.app, absent)
  await changeConfig(
    `Unsetting ${keys.join(', ')}`,
    Object.fromEntries(keys.map((key) => [key, null])),
    target,
    options,
  )
}

async function editVars(key: string | undefined, options: ChangeOptions): Promise<void> {
  const target = await connectToApp(options)
  const vars = (): Promise<ConfigVars> => target.api.get<ConfigVars>(`${target.path}/config-vars`)
  const before = await vars()
  const text = key === undefined ? formatConfig(before) : (before[key] ?? '')
  await edit(text, key === undefined ? `${target.app}.env` : `${target.app}-${key}.txt`, async (edited) => {
    if (edited === text) return note('Nothing was changed.')
    const after = key === undefined ? parseConfig(edited) : { ...before, [key]: withoutLastBreak(edited, text) }
    const changes = differences(before, after)
    if (Object.keys(changes).length === 0) return note('Nothing was changed.')
    checkUntouched(before, await vars(), Object.keys(changes))
    for (const [name, value] of Object.entries(changes)) note(`  ${signOf(value, before[name])} ${name}`)
    await changeConfig(`Changing ${Object.keys(changes).join(', ')}`, changes, target, options)
  })
}

/** Editors end a file with a line break that the value had not. */
function withoutLastBreak(edited: string, before: string): string {
  return before.endsWith('\n') ? edited : edited.replace(/\r?\n$/, '')
}

function differences(before: ConfigVars, after: ConfigVars): Record<string, string | null> {
  const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key))
  const set = Object.entries(after).filter(([key, value]) => before[key] !== value)
  return { ...Object.fromEntries(gone.map((key) => [key, null])), ...Object.fromEntries(set) }
}

function signOf(value: string | null, before: string | undefined): string {
  if (value === null) return '-'
  return before === undefined ? '+' : '~'
}

/** @throws usage: another user changed the config vars meanwhile */
function checkUntouched(before: ConfigVars, now: ConfigVars, keys: string[]): void {
  const touched = keys.filter((key) => before[key] !== now[key])
  if (touched.length === 0) return
  throw new PaasError('usage', `${touched.join(', ')} was changed by somebody else meanwhile; nothing was done.`, {
    hint: 'Edit again: paas config:edit',
  })
}

function missing(app: string, keys: string[]): PaasError {
  return new PaasError('not_found', `${app} has no config var ${keys.join(', ')}.`, {
    hint: `See: paas config -a ${app}`,
  })
}

function quote(value: string): string {
  return /^[\w@%+=:,./-]*$/.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`
}
