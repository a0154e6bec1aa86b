import { PaasError } from '../../errors.ts'
import type { Command } from 'commander'
import { addonCalled, pathOf } from '../addon-names.ts'
import { define, defineForApp, type AppOptions, type Options } from '../command.ts'
import { confirm } from '../confirm.ts'
import { untilMade, varsOf } from '../made-addon.ts'
import { heading, list as pairs, note, print, progress, table } from '../output.ts'
import type { AddonAttachmentJson, AddonInfoJson, AddonJson, NamedJson } from '../resources/data.ts'
import { connect, connectToApp } from '../session.ts'

type CreateOptions = AppOptions & {
  as?: string
  name?: string
  confirm?: string
  with?: string[]
  version?: string
  wait?: boolean
}
type DestroyOptions = AppOptions & { confirm?: string; force?: true }

const ofAddon = 'Name it by its name, the name of its attachment (DATABASE), or its config var.'

export function defineAddons(program: Command): void {
  defineForApp(program, {
    name: 'addons',
    summary: 'list the add-ons of an app: databases and caches',
    examples: ['paas addons -a acme'],
  }).action(list)

  define(program, {
    name: 'addons:services',
    summary: 'list the services that add-ons are made of',
    examples: ['paas addons:services'],
  }).action(services)

  define(program, {
    name: 'addons:plans',
    arguments: '<service>',
    summary: 'list the plans of a service',
    examples: ['paas addons:plans postgresql'],
  }).action(plans)

  defineForApp(program, {
    name: 'addons:create',
    arguments: '<service[:plan]>',
    summary: 'make a database or cache and attach it to an app',
    details:
      'The app gets its URL as a config var, such as DATABASE_URL, with a release. Waits until it is there; the first one of a service on a server waits for ' +
      'its image, which takes a minute or two.',
    examples: ['paas addons:create postgresql -a acme', 'paas addons:create redis:premium-0 --as QUEUE'],
  })
    .option('--as <name>', 'what it is attached as (default: DATABASE, REDIS, ...)')
    .option('--name <name>', 'the name of the add-on (default: one is made up)')
    .option('--confirm <app>', 'the name of the app, to overwrite config vars of the same name')
    .option('--with <option...>', 'more that the service has, such as postgis')
    .option('--version <version>', 'a version of the service (default: the usual one)')
    .option('--wait', 'wait until it is there (the default)')
    .option('--no-wait', 'return at once')
    .action(create)

  ofOne(program, 'addons:info', 'show an add-on: its version, plan, size and connections', [
    'paas addons:info DATABASE',
  ]).action(info)
  ofOne(program, 'addons:wait', 'wait until an add-on is made', ['paas addons:wait DATABASE']).action(wait)

  defineForApp(program, {
    name: 'addons:attach',
    arguments: '<addon>',
    summary: 'attach an add-on to another app, or under another name',
    examples: ['paas addons:attach postgresql-round-12345 -a reports', 'paas addons:attach DATABASE --as PRIMARY'],
  })
    .option('--as <name>', 'what it is attached as')
    .option('--confirm <app>', 'the name of the app, to replace the attachment of that name')
    .action(attach)

  defineForApp(program, {
    name: 'addons:detach',
    arguments: '<attachment>',
    summary: 'take an attachment from an app, with its config vars',
    examples: ['paas addons:detach PRIMARY -a acme'],
  }).action(detach)

  defineForApp(program, {
    name: 'addons:rename',
    arguments: '<addon> <name>',
    summary: 'rename an add-on',
    examples: ['paas addons:rename DATABASE acme-main'],
  }).action(rename)

  for (const [name, to, plan] of [
    ['addons:upgrade', 'a larger', 'essential-1'],
    ['addons:downgrade', 'a smaller', 'essential-0'],
  ]) {
    defineForApp(program, {
      name: name!,
      arguments: '<addon> <plan>',
      summary: `change the plan of an add-on to ${to} one`,
      details: `It is started again with the same data, which takes some seconds. ${ofAddon}`,
      examples: [`paas ${name} DATABASE ${plan}`, `paas ${name} DATABASE ${plan} --with postgis`],
    })
      .option('--with <option...>', 'more that the service has, such as postgis')
      .action(upgrade)
  }

  ofOne(program, 'addons:open', 'open the page of an add-on: they have none', ['paas addons:info DATABASE']).action(
    open,
  )
  for (const [topic, usual, what] of [
    ['pg', 'DATABASE', 'a database'],
    ['redis', 'REDIS', 'a Redis'],
  ] as const) {
    const of = { arguments: '[addon]', details: `The default is ${usual}.` }
    defineForApp(program, {
      ...of,
      name: `${topic}:info`,
      summary: `show ${what}: its version, plan, size and connections`,
      examples: [`paas ${topic}:info -a acme`],
    }).action((name: string | undefined, options: AppOptions) => info(name ?? usual, options))
    defineForApp(program, {
      ...of,
      name: `${topic}:wait`,
      summary: `wait until ${what} is made`,
      examples: [`paas ${topic}:wait -a acme`],
    }).action((name: string | undefined, options: AppOptions) => wait(name ?? usual, options))
  }

  defineForApp(program, {
    name: 'addons:destroy',
    arguments: '<addon>',
    summary: 'destroy an add-on with all its data',
    details: ofAddon,
    examples: ['paas addons:destroy REDIS -a acme --confirm acme'],
  })
    .option('--confirm <app>', 'the name of the app, to confirm without a prompt')
    .option('-f, --force', 'although it is attached to other apps')
    .action(destroy)
}

function ofOne(program: Command, name: string, summary: string, examples: string[]): Command {
  return defineForApp(program, { name, arguments: '<addon>', summary, details: ofAddon, examples })
}

async function list(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const addons = await api.get<AddonJson[]>(`${path}/addons`)
  const attached = await api.get<AddonAttachmentJson[]>(`${path}/addon-attachments`)
  const foreign = attached.filter(({ addon }) => addon.app.name !== app)
  const asOf = (id: string): string =>
    attached
      .filter(({ addon }) => addon.id === id)
      .map((one) => one.name)
      .join(', ')
  const rows = [
    ...addons.map(({ id, name, plan, state }) => [name, plan.name, asOf(id), state]),
    ...foreign.map(({ addon, name }) => [addon.name, `of ${addon.app.name}`, name, '']),
  ]
  print(options, addons, () =>
    rows.length === 0 ? `${app} has no add-ons.` : [heading(`${app} Add-ons`), ...table(rows)],
  )
}

async function services(options: Options): Promise<void> {
  const all = await connect().get<(NamedJson & { human_name: string })[]>('/addon-services')
  print(options, all, () => table(all.map(({ name, human_name: title }) => [name, title])))
}

async function plans(service: string, options: Options): Promise<void> {
  const all = await connect().get<(NamedJson & { description: string; default: boolean })[]>(
    `/addon-services/${encodeURIComponent(service)}/plans`,
  )
  const rows = all.map((plan) => [plan.name, plan.description, plan.default ? 'default' : ''])
  print(options, all, () => table(rows))
}

async function create(
  plan: string,
  { as, name, confirm: given, with: more, version, wait: isAwaited, ...options }: CreateOptions,
): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const attachment = as === undefined ? {} : { name: as }
  const body = {
    plan,
    attachment,
    ...configOf(more, version),
    ...(name !== undefined && { name }),
    ...(given !== undefined && { confirm: given }),
  }
  const asked = await progress(
    `Creating ${plan} on ${app}`,
    api.post<AddonJson>(`${path}/addons`, body),
    (made) => made.name,
  )
  const made = isAwaited === false ? asked : await progress(`Waiting for ${asked.name}`, untilMade(api, asked), varsOf)
  print(options, made, () => made.name)
  note(`Remove it with: paas addons:destroy ${made.name} -a ${app}`)
}

async function info(name: string, options: AppOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name)
  const { info: lines } = await api.get<AddonInfoJson>(`${pathOf(addon)}/info`)
  print(options, { ...addon, info: lines }, () => [
    heading(addon.name),
    ...pairs([
      ['Service', addon.addon_service.name],
      ['Owning app', addon.app.name],
      ['Config vars', varsOf(addon)],
      ...lines.map(({ name: what, values }): [string, string] => [what, values.join(', ')]),
    ]),
  ])
}

/** @throws invalid_params */
async function open(name: string, options: AppOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name)
  throw new PaasError('invalid_params', `${addon.name} has no page of its own to open.`, {
    hint: `See it with: paas addons:info ${addon.name} -a ${app}`,
  })
}

async function wait(name: string, options: AppOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name)
  print(options, await progress(`Waiting for ${addon.name}`, untilMade(api, addon), varsOf), () => '')
}

async function attach(name: string, { as, confirm: given, ...options }: CreateOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name)
  const body = {
    addon: addon.id,
    app,
    ...(as !== undefined && { name: as }),
    ...(given !== undefined && { confirm: given }),
  }
  const asked = api.post<AddonAttachmentJson>('/addon-attachments', body)
  const made = await progress(`Attaching ${addon.name} to ${app}`, asked, (one) => one.name)
  print(options, made, () => made.name)
  note(`Undo with: paas addons:detach ${made.name} -a ${app}`)
}

async function detach(name: string, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const found = await api.get<AddonAttachmentJson>(`${path}/addon-attachments/${encodeURIComponent(name)}`)
  const gone = api.delete<AddonAttachmentJson>(`/addon-attachments/${found.id}`)
  print(options, await progress(`Detaching ${found.name} from ${app}`, gone), () => '')
  note(`Undo with: paas addons:attach ${found.addon.name} --as ${found.name} -a ${app}`)
}

async function rename(name: string, to: string, options: AppOptions): Promise<void> {
  await change(name, { name: to }, { doing: `to ${to}`, ...options })
}

async function upgrade(
  name: string,
  plan: string,
  { with: more, ...options }: AppOptions & { with?: string[] },
): Promise<void> {
  await change(name, { plan, ...configOf(more) }, { doing: `to plan ${plan}`, ...options })
}

/** As Heroku's command sends `-- --postgis --version=15`. */
function configOf(more: string[] = [], version?: string): { config?: Record<string, true | string> } {
  if (more.length === 0 && version === undefined) return {}
  const switches = Object.fromEntries(more.map((one) => [one, true as const]))
  return { config: { ...switches, ...(version !== undefined && { version }) } }
}

async function change(
  name: string,
  body: object,
  { doing, ...options }: AppOptions & { doing: string },
): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name)
  const changed = api.patch<AddonJson>(`/apps/${addon.app.id}/addons/${addon.id}`, body)
  print(options, await progress(`Changing ${addon.name} ${doing}`, changed), () => '')
}

async function destroy(name: string, { confirm: given, force, ...options }: DestroyOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name)
  const owner = addon.app.name
  await confirm(`This destroys ${addon.name} of ${owner} with all its data.`, {
    name: owner,
    ...(given === undefined ? {} : { given }),
    command: `paas addons:destroy ${addon.name} -a ${owner} --confirm ${owner}`,
  })
  const path = `/apps/${addon.app.id}/addons/${addon.id}`
  const gone = api.call<AddonJson>(path, { method: 'DELETE', body: { force: force === true } })
  print(options, await progress(`Destroying ${addon.name} of ${owner}`, gone), () => '')
}
