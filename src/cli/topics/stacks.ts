import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import type { Client } from '../client.ts'
import { define, defineForApp, type AppOptions } from '../command.ts'
import { heading, list, note, print, progress, table } from '../output.ts'
import { persist } from '../persist.ts'
import type { AppJson } from '../resources/apps.ts'
import type { RunImageJson, StackMoveJson, StackUpgradeJson } from '../resources/builds.ts'
import { connect, connectToApp } from '../session.ts'
import { formatAge } from '../time.ts'

/** Milliseconds between looks at an upgrade, and for how long the server may be away meanwhile. */
const lookEvery = 1000
const patience = 10 * 60_000

export function defineStacks(program: Command): void {
  define(program, {
    name: 'stacks',
    summary: 'show what apps run on, and which of it has updates',
    details:
      'For each app the age of its Debian packages and the security updates that it lacks. With an app, all updates. An app of a Dockerfile is not moved by stack:upgrade: build it again.',
    examples: ['paas stacks', 'paas stacks -a acme'],
  })
    .option('-a, --app <name>', 'show the updates of this app')
    .action(showStacks)

  defineForApp(program, {
    name: 'stack',
    summary: 'list the stacks that an app can be built on',
    details: 'The one with the asterisk is that of the next build.',
    examples: ['paas stack -a acme'],
  }).action(listStacks)

  defineForApp(program, {
    name: 'stack:set',
    arguments: '<stack>',
    summary: 'choose the stack that an app is built on',
    details: 'The next build uses it. What runs stays on the stack that it was built on until then.',
    examples: ['paas stack:set debian-13 -a acme'],
  }).action(setStack)

  defineForApp(program, {
    name: 'stack:upgrade',
    summary: 'bring what apps run on up to date, without a build',
    details:
      'Each app gets a release with the same code on a run image with the updates of Debian. If its new dynos do not come up, the old ones keep serving. Builds use the updates too from then on. Only an admin may upgrade all apps.',
    examples: ['paas stack:upgrade -a acme', 'paas stack:upgrade --all'],
  })
    .option('--all', 'all apps of the server')
    .option('--no-wait', 'do not wait until the apps are moved')
    .action(upgrade)
}

async function showStacks(options: AppOptions): Promise<void> {
  if (options.app !== undefined) return showOne(options)
  const images = await connect().get<RunImageJson[]>('/run-images')
  print(options, images, () => (images.length === 0 ? 'No app has any code.' : table([titles, ...images.map(row)])))
}

const titles = ['App', 'Stack', 'Packages', 'Security updates', 'Last upgrade']

function row(image: RunImageJson): string[] {
  const { app, stack, packages_at: at, updates, reason } = image
  const security = updates?.filter((update) => update.security).map((update) => update.package)
  const lacks = security === undefined ? (reason ?? '') : security.length === 0 ? 'none' : security.join(', ')
  return [app.name, image.movable ? stack.name : 'Dockerfile', at === null ? '' : age(at), lacks, lastMove(image)]
}

function age(at: string): string {
  return `${formatAge(Date.now() - new Date(at).getTime())} old`
}

function lastMove({ last_move: move }: RunImageJson): string {
  if (!move) return ''
  const what = move.state === 'failed' && move.reason ? `failed: ${move.reason}` : move.state
  return `${what}, ${formatAge(Date.now() - new Date(move.at).getTime())} ago`
}

async function showOne(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const image = await api.get<RunImageJson>(`${path}/run-image`)
  const { updates, packages_at: at, reason } = image
  print(options, image, () => [
    heading(`${app} Stack`),
    ...list([
      ['Stack', image.movable ? image.stack.name : 'Dockerfile'],
      ['Packages', at === null ? (reason ?? '') : age(at)],
      ['Last upgrade', lastMove(image) || 'none'],
      ['Updates', updates === null ? 'unknown' : String(updates.length)],
    ]),
    ...(updates && updates.length > 0 ? ['', ...table(updates.map(updateRow))] : []),
  ])
}

function updateRow(update: NonNullable<RunImageJson['updates']>[number]): string[] {
  return [update.package, update.installed, '→', update.available, update.security ? 'security' : '']
}

async function listStacks(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const stacks = await api.get<{ name: string }[]>('/stacks')
  const { build_stack: next } = await api.get<AppJson>(path)
  print(options, stacks, () => [
    heading(`${app} Available Stacks`),
    ...stacks.map(({ name }) => `${name === next.name ? '*' : ' '} ${name}`),
  ])
}

async function setStack(stack: string, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const changing = api.patch<AppJson>(path, { build_stack: stack })
  const changed = await progress(`Setting stack of ${app} to ${stack}`, changing)
  note(`You will need to redeploy ${app} for the change to take effect: paas builds:create -a ${app}`)
  print(options, changed, () => '')
}

async function upgrade(options: AppOptions & { all?: true; wait: boolean }): Promise<void> {
  const { api, path, who } = await target(options)
  const asked = await progress(
    `Upgrading the stack of ${who}`,
    api.post<StackUpgradeJson>(`${path}/stack-upgrades`, {}),
  )
  const ended = options.wait ? await follow(api, asked) : asked
  print(options, ended, () => (options.wait ? summary(ended) : ''))
  if (ended.state === 'failed') throw new PaasError('stack_unavailable', ended.reason ?? 'The upgrade failed.')
  const failed = ended.apps.filter(({ state }) => state === 'failed')
  if (failed.length === 0) return
  const names = failed.map(({ app }) => app.name).join(', ')
  throw new PaasError('release_failed', `Not moved, and served by the release of before: ${names}.`, {
    hint: `See: paas releases -a ${failed[0]?.app.name}`,
  })
}

async function target(options: AppOptions & { all?: true }): Promise<{ api: Client; path: string; who: string }> {
  if (!options.all) {
    const { api, app, path } = await connectToApp(options)
    return { api, path, who: app }
  }
  if (options.app === undefined) return { api: connect(), path: '', who: 'all apps' }
  throw new PaasError('usage', 'Give either --all or an app.')
}

/** Says each step, and what becomes of each app, as it happens. */
async function follow(api: Client, first: StackUpgradeJson): Promise<StackUpgradeJson> {
  const said = new Set<string>()
  let now = first
  for (;;) {
    for (const line of [...(now.progress ? [now.progress] : []), ...now.apps.flatMap(verdict)]) {
      if (!said.has(line)) note(line)
      said.add(line)
    }
    if (now.state !== 'running') return now
    await wait(lookEvery)
    now = await persist(api, () => api.get<StackUpgradeJson>(`/stack-upgrades/${first.id}`), { patience })
  }
}

function verdict({ app, state, reason, release }: StackMoveJson): string[] {
  switch (state) {
    case 'pending':
      return []
    case 'current':
      return [`${app.name}: up to date`]
    case 'moved':
      return [`${app.name}: moved${release ? `, v${release.version}` : ''}`]
    case 'failed':
      return [`${app.name}: failed: ${reason}`]
    case 'unmovable':
      return [`${app.name}: cannot be moved: ${reason}`]
  }
}

function summary({ apps }: StackUpgradeJson): string {
  const count = (wanted: StackMoveJson['state']): number => apps.filter(({ state }) => state === wanted).length
  return [
    `${count('moved')} moved`,
    `${count('current')} up to date`,
    `${count('failed')} failed`,
    `${count('unmovable')} cannot be moved`,
  ].join(', ')
}
