import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { whyFailed } from '../await-release.ts'
import type { Client } from '../client.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { dynoLines } from '../dyno-list.ts'
import { whyNone } from '../no-dynos.ts'
import { persist } from '../persist.ts'
import { note, print, progress, style, table } from '../output.ts'
import type { DynoJson, FormationJson, ReleaseJson } from '../resources/apps.ts'
import { connectToApp } from '../session.ts'

export function definePs(program: Command): void {
  defineForApp(program, {
    name: 'ps',
    summary: 'list the dynos and their states',
    details:
      'Shows why a dyno is not up, how often it crashed and when it starts again, or why an app has no dynos. With --watch and --json, prints a line for each change.',
    examples: ['paas ps', 'paas ps -a acme --json', 'paas ps --watch            # each change'],
  })
    .option('-w, --watch', 'show each change until Ctrl-C')
    .action(show)

  defineForApp(program, {
    name: 'ps:scale',
    arguments: '[type=quantity...]',
    summary: 'set the number of dynos of each type',
    details:
      'Without arguments, shows the formation. A quantity may be relative (web+1), and a size may follow it (web=2:standard-2x).',
    examples: ['paas ps:scale web=2 worker=1', 'paas ps:scale worker+1', 'paas ps:scale web=0   # stop serving'],
  }).action(scale)

  defineForApp(program, {
    name: 'ps:restart',
    arguments: '[dyno]',
    summary: 'restart all dynos, those of a type, or one',
    examples: ['paas ps:restart', 'paas ps:restart web', 'paas ps:restart web.1'],
  }).action(restart)

  defineForApp(program, {
    name: 'ps:stop',
    arguments: '<dyno>',
    summary: 'stop a dyno, or those of a type',
    details:
      'A one-off dyno (run.1234) ends. A dyno of the formation is started again: to remove it, scale its type to 0.',
    examples: ['paas ps:stop run.1234', 'paas ps:stop worker.1'],
  }).action(stop)

  defineForApp(program, {
    name: 'ps:type',
    arguments: '[type=size...]',
    summary: 'set the size of the dynos of each type',
    details: 'Without arguments, shows the sizes. A size without a type applies to all types.',
    examples: ['paas ps:type', 'paas ps:type worker=standard-2x', 'paas ps:type standard-1x'],
  }).action(resize)

  defineForApp(program, {
    name: 'ps:wait',
    summary: 'wait until all dynos run the newest release',
    examples: ['paas ps:wait', 'paas ps:wait --type web -a acme'],
  })
    .option('--type <type>', 'only the dynos of this type')
    .action(waitForAll)
}

/** Milliseconds between polls: a token's requests per hour are limited. */
const lookEvery = 2000
/** Milliseconds after which dynos that are not up will not come up by waiting. */
const patience = 10 * 60_000

type Look = { dynos: DynoJson[]; state: string; hint: string }

async function show({ watch, ...options }: AppOptions & { watch?: true }): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const isScreen = watch === true && process.stdout.isTTY
  let [shown, hint] = ['', '']
  const look = async (): Promise<Look> => {
    const dynos = await api.get<DynoJson[]>(`${path}/dynos`)
    const state = JSON.stringify(dynos)
    return { dynos, state, hint: state === shown ? hint : await whatToDo(api, { app, path, dynos }) }
  }
  for (let seen = await look(); ; await wait(lookEvery), seen = await persist(api, look)) {
    const { dynos, state } = seen
    hint = seen.hint
    // On a terminal it is redrawn every time, since the ages change too.
    if (isScreen) process.stdout.write('\u001b[H\u001b[2J')
    if (isScreen || state !== shown) {
      if (watch && options.json) process.stdout.write(`${state}\n`)
      else print(options, dynos, () => dynoLines(dynos))
      if (hint !== '') note(hint)
    }
    if (!watch) return
    shown = state
  }
}

/** About what is shown; empty when nothing is. */
async function whatToDo(
  api: Client,
  { app, path, dynos }: { app: string; path: string; dynos: DynoJson[] },
): Promise<string> {
  if (dynos.length === 0) return whyNone(api, { app, path })
  const crashed = dynos.find(({ state }) => state === 'crashed')
  return crashed ? `See its last lines with: paas logs -d ${crashed.name} -a ${app}` : ''
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
  if (touched.length > 0) note(`Undo with: paas ps:scale ${summarize(touched).join(' ')} -a ${app}`)
  else note('It applies from the first deploy on.')
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

async function stop(dyno: string, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const what = dyno.includes('.') ? 'dynos' : 'formations'
  const work = api.post(`${path}/${what}/${encodeURIComponent(dyno)}/actions/stop`, {})
  await progress(`Stopping ${dyno} of ${style('bold', app)}`, work)
  print(options, { app, stopped: dyno }, () => '')
}

async function resize(changes: string[], options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const before = await api.get<FormationJson[]>(`${path}/formation`)
  const sizes = (formation: FormationJson[]): string[] =>
    table(formation.map(({ type, size, quantity }) => [type, size, String(quantity)]))
  if (changes.length === 0) return print(options, before, sizes)
  const updates = changes.flatMap((text) => parseSize(text, before))
  if (updates.length === 0)
    throw new PaasError('usage', 'Before the first deploy, name the type: paas ps:type web=SIZE')
  const changed = await progress(`Resizing ${app}`, api.patch<FormationJson[]>(`${path}/formation`, { updates }))
  const touched = before.filter(({ type }) => updates.some((update) => update.type === type))
  if (touched.length === 0) note('It applies from the first deploy on.')
  else
    note(
      `Undo with: paas ps:type ${touched.map(({ type, size }) => `${type}=${size.toLowerCase()}`).join(' ')} -a ${app}`,
    )
  print(options, changed, sizes)
}

function parseSize(text: string, formation: FormationJson[]): { type: string; size: string }[] {
  const [, type, size] = /^(?:([\w-]+)=)?([\w-]+)$/.exec(text) ?? []
  if (size === undefined)
    throw new PaasError('usage', `"${text}" is not TYPE=SIZE.`, { hint: 'For example: paas ps:type web=standard-2x' })
  return type === undefined ? formation.map((share) => ({ type: share.type, size })) : [{ type, size }]
}

async function waitForAll({ type, ...options }: AppOptions & { type?: string }): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const look = async (): Promise<boolean> => {
    const [releases, formation, dynos] = await Promise.all([
      api.get<ReleaseJson[]>(`${path}/releases`, 'version ..; order=desc,max=1'),
      api.get<FormationJson[]>(`${path}/formation`),
      api.get<DynoJson[]>(`${path}/dynos`),
    ])
    if (releases[0]?.status === 'failed') throw whyFailed({ app }, releases[0])
    const wanted = formation.filter((share) => type === undefined || share.type === type)
    const up = (share: FormationJson): number =>
      dynos.filter(
        (dyno) => dyno.type === share.type && dyno.state === 'up' && dyno.release.version === releases[0]?.version,
      ).length
    return wanted.every((share) => up(share) >= share.quantity)
  }
  const waiting = async (): Promise<void> => {
    const deadline = performance.now() + patience
    for (let done = await look(); !done; await wait(lookEvery), done = await persist(api, look, { patience })) {
      if (performance.now() < deadline) continue
      const message = `Not all dynos of ${app} are up after ${patience / 60_000} minutes.`
      throw new PaasError('release_failed', message, { hint: `See why: paas ps -a ${app}; paas logs -a ${app}` })
    }
  }
  await progress(`Waiting for the dynos of ${style('bold', app)}`, waiting())
  print(options, { app }, () => '')
}

function restartPath(dyno: string | undefined): string {
  if (dyno === undefined) return '/dynos'
  return dyno.includes('.') ? `/dynos/${encodeURIComponent(dyno)}` : `/formations/${encodeURIComponent(dyno)}`
}
