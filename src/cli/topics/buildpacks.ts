import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import type { Client } from '../client.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { heading, note, print, progress } from '../output.ts'
import { connectToApp } from '../session.ts'

type Installation = { ordinal: number; buildpack: { name: string; url: string } }

export function defineBuildpacks(program: Command): void {
  defineForApp(program, {
    name: 'buildpacks',
    summary: 'list the buildpacks of an app, in order',
    examples: ['paas buildpacks -a acme'],
  }).action(show)

  defineForApp(program, {
    name: 'buildpacks:set',
    arguments: '<buildpacks...>',
    summary: 'set the buildpacks, from the next build on',
    details:
      'All of them must detect the app; each sees the changes of those before it. Name a third-party buildpack by its https ' +
      'URL: a git repository, with a branch, tag or commit after #, or a .tgz.',
    examples: [
      'paas buildpacks:set heroku/nodejs',
      'paas buildpacks:set nodejs python',
      'paas buildpacks:set https://github.com/heroku/heroku-buildpack-pgbouncer.git#main nodejs',
    ],
  }).action((packs: string[], options: AppOptions) => change(options, () => packs))

  defineForApp(program, {
    name: 'buildpacks:add',
    arguments: '<buildpack>',
    summary: 'add a buildpack',
    details: 'It is added at the end, unless --index is given.',
    examples: ['paas buildpacks:add heroku/nodejs --index 1'],
  })
    .option('-i, --index <number>', 'its position, starting at 1')
    .action((pack: string, options: AppOptions & { index?: string }) => add(pack, options))

  defineForApp(program, {
    name: 'buildpacks:remove',
    arguments: '<buildpack>',
    summary: 'remove a buildpack',
    examples: ['paas buildpacks:remove heroku/nodejs'],
  }).action((pack: string, options: AppOptions) => remove(pack, options))

  defineForApp(program, {
    name: 'buildpacks:clear',
    summary: 'remove all buildpacks, so that builds detect one',
    examples: ['paas buildpacks:clear -a acme'],
  }).action((options: AppOptions) => change(options, () => []))
}

async function show(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const installed = await list(api, path)
  if (installed.length === 0) note(`${app} has no buildpacks set; each build detects one.`)
  print(options, installed, () =>
    installed.length === 0 ? '' : [heading(`${app} Buildpacks`), ...namesOf(installed).map(numbered)],
  )
}

function add(pack: string, options: AppOptions & { index?: string }): Promise<void> {
  const { index = '' } = options
  if (!/^([1-9]\d?)?$/.test(index)) throw new PaasError('usage', `--index is "${index}"; it must be 1 to 99.`)
  return change(options, (present) => present.toSpliced(index === '' ? present.length : Number(index) - 1, 0, pack))
}

function remove(pack: string, options: AppOptions): Promise<void> {
  return change(options, (present, app) => {
    const rest = present.filter((name) => name !== pack && name !== `heroku/${pack}`)
    if (rest.length < present.length) return rest
    throw new PaasError('not_found', `${app} has no buildpack ${pack}.`, { hint: `See: paas buildpacks -a ${app}` })
  })
}

async function change(options: AppOptions, next: (present: string[], app: string) => string[]): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const before = namesOf(await list(api, path))
  const updates = next(before, app).map((buildpack) => ({ buildpack }))
  const call = { method: 'PUT', body: { updates } }
  const changed = api.call<Installation[]>(`${path}/buildpack-installations`, call)
  const installed = await progress(`Setting the buildpacks of ${app}`, changed, describe)
  note(`They apply from the next build on: git push paas main, or paas builds:create -a ${app}`)
  note(`Undo with: paas buildpacks:${before.length === 0 ? 'clear' : `set ${before.join(' ')}`} -a ${app}`)
  print(options, installed, () => '')
}

function describe(installed: Installation[]): string {
  return installed.length === 0 ? 'none: each build detects one' : namesOf(installed).join(', ')
}

function list(api: Client, path: string): Promise<Installation[]> {
  return api.get<Installation[]>(`${path}/buildpack-installations`)
}

function namesOf(installed: Installation[]): string[] {
  return installed.map(({ buildpack }) => buildpack.name)
}

function numbered(name: string, index: number): string {
  return `${index + 1}. ${name}`
}
