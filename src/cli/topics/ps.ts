import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { heading, note, print, progress, style, table } from '../output.ts'
import type { DynoJson, FormationJson } from '../resources.ts'
import { connectToApp } from '../session.ts'
import { formatTime } from '../time.ts'

export function definePs(program: Command): void {
  defineForApp(program, {
    name: 'ps',
    summary: 'show the dynos and how they are',
    examples: ['paas ps', 'paas ps -a acme --json'],
  }).action(show)

  defineForApp(program, {
    name: 'ps:scale',
    arguments: '[type=quantity...]',
    summary: 'set how many dynos of each type run',
    details:
      'Without arguments, shows it. A quantity may be relative (web+1), and a size may follow it (web=2:standard-2x).',
    examples: ['paas ps:scale web=2 worker=1', 'paas ps:scale worker+1', 'paas ps:scale web=0   # stop serving'],
  }).action(scale)

  defineForApp(program, {
    name: 'ps:restart',
    arguments: '[dyno]',
    summary: 'restart all dynos, those of a type, or one',
    examples: ['paas ps:restart', 'paas ps:restart web', 'paas ps:restart web.1'],
  }).action(restart)
}

async function show(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const dynos = await api.get<DynoJson[]>(`${path}/dynos`)
  if (dynos.length === 0) note(`${app} has no dynos. Start some with: paas ps:scale web=1 -a ${app}`)
  print(options, dynos, () =>
    Object.values(Object.groupBy(dynos, ({ type }) => type)).flatMap((all) => describe(all ?? [])),
  )
}

function describe(dynos: DynoJson[]): string[] {
  const [first] = dynos
  if (!first) return []
  return [
    heading(`${first.type} (${first.size}): ${first.command} (${dynos.length})`),
    ...table(dynos.map(({ name, state, updated_at }) => [`${name}:`, state, formatTime(updated_at)])),
    '',
  ]
}

async function scale(changes: string[], options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const before = await api.get<FormationJson[]>(`${path}/formation`)
  if (changes.length === 0) return print(options, before, (formation) => summarize(formation).join(' '))
  const updates = changes.map(parseChange)
  const changed = await progress(
    `Scaling ${app}`,
    api.patch<FormationJson[]>(`${path}/formation`, { updates }),
    (formation) =>
      `now running ${formation.map(({ type, quantity, size }) => `${type} at ${quantity}:${size}`).join(', ')}`,
  )
  const touched = before.filter(({ type }) => updates.some((update) => update.type === type))
  note(`Undo with: paas ps:scale ${summarize(touched).join(' ')} -a ${app}`)
  print(options, changed, () => '')
}

function summarize(formation: FormationJson[]): string[] {
  return formation.map(({ type, quantity, size }) => `${type}=${quantity}:${size.toLowerCase()}`)
}

function parseChange(text: string): { type: string; quantity: string; size?: string } {
  const [, type, sign, number, size] = /^([\w-]+?)(=|\+|-)(\d+)(?::([\w-]+))?$/.exec(text) ?? []
  if (type === undefined || number === undefined) {
    const hint = 'For example: paas ps:scale web=2 worker+1'
    throw new PaasError('usage', `"${text}" is not TYPE=QUANTITY.`, { hint })
  }
  return { type, quantity: sign === '=' ? number : `${sign}${number}`, ...(size === undefined ? {} : { size }) }
}

async function restart(dyno: string | undefined, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const what = dyno === undefined ? 'all dynos' : dyno
  await progress(`Restarting ${what} of ${style('bold', app)}`, api.delete(`${path}${restartPath(dyno)}`))
  print(options, { app, restarted: dyno ?? 'all' }, () => '')
}

function restartPath(dyno: string | undefined): string {
  if (dyno === undefined) return '/dynos'
  return dyno.includes('.') ? `/dynos/${encodeURIComponent(dyno)}` : `/formations/${encodeURIComponent(dyno)}`
}
