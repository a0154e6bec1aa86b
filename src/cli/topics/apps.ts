import { spawn } from 'node:child_process'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { define, defineForApp, type AppOptions, type Options } from '../command.ts'
import { confirm } from '../confirm.ts'
import { connectRepository, disconnectRepository, isRepository, howToDeploy, readRemote } from '../repository.ts'
import { heading, list, note, print, progress, table } from '../output.ts'
import type { AppJson, DynoJson } from '../resources/apps.ts'
import type { VolumeJson } from '../resources/data.ts'
import type { EdgeJson } from '../resources/edge.ts'
import { connect, connectToApp, usualRemote } from '../session.ts'
import { formatTimeAndAge } from '../time.ts'

export function defineApps(program: Command): void {
  define(program, {
    name: 'apps',
    summary: 'list your apps',
    examples: ['paas apps', 'paas apps --json'],
  }).action(async (options: Options) => {
    const apps = await connect().get<AppJson[]>('/apps')
    if (apps.length === 0) note('You have no apps yet. Create one with: paas create NAME')
    print(options, apps, () => table(apps.map(({ name, web_url }) => [name, web_url])))
  })

  define(program, {
    name: 'create',
    arguments: '[name]',
    summary: 'create an app and connect the git repository here',
    details:
      'Adds the git remote "paas" to the repository in the current directory and makes this command its credential helper, so that ' +
      'git push never asks for a password. Without a name, the server generates one.',
    examples: ['paas create acme', 'paas create acme-staging -r staging   # a second app for the same repository'],
  })
    .option('-r, --remote <name>', 'name of the git remote', usualRemote)
    .action(create)

  defineForApp(program, {
    name: 'info',
    arguments: '[name]',
    summary: 'show the URLs, owner, stack and dynos of an app',
    examples: ['paas info', 'paas info acme --json'],
  }).action((name: string | undefined, options: AppOptions) => info(withName(name, options)))

  defineForApp(program, {
    name: 'open',
    arguments: '[path]',
    summary: 'open an app in the browser and print its URL',
    examples: ['paas open', 'paas open /admin -a acme'],
  }).action(open)

  defineForApp(program, {
    name: 'rename',
    arguments: '<name>',
    summary: 'rename an app, and change its URL',
    examples: ['paas rename acme-shop -a acme'],
  }).action(rename)

  defineForApp(program, {
    name: 'destroy',
    arguments: '[name]',
    summary: 'remove an app and everything that belongs to it',
    details: 'Its dynos, releases, builds, config vars and logs are removed too. This cannot be undone.',
    examples: ['paas destroy acme', 'paas destroy acme --confirm acme'],
  })
    .option('-c, --confirm <name>', 'the name again, to confirm without a prompt')
    .action((name: string | undefined, options: DestroyOptions) => destroy(withName(name, options)))
}

type DestroyOptions = AppOptions & { confirm?: string }

/**
 * Heroku's command takes the app's name as an argument, too, in these two.
 * @throws usage for another one after -a
 */
function withName<T extends AppOptions>(name: string | undefined, options: T): T {
  if (name === undefined) return options
  if (options.app === undefined || options.app === name) return { ...options, app: name }
  throw new PaasError('usage', `Which app, ${name} or ${options.app}?`, { hint: 'Name one.' })
}

async function create(name: string | undefined, options: Options & { remote: string }): Promise<void> {
  const api = connect()
  const made = api.post<AppJson>('/apps', name === undefined ? {} : { name })
  const app = await progress('Creating app', made, (one) => one.name)
  await connectHere({ server: api.server.url, app: app.name }, options.remote)
  print(options, app, ({ web_url }) => `${web_url} | ${api.server.url}/${app.name}.git`)
}

async function connectHere(target: { server: string; app: string }, remote: string): Promise<void> {
  const later = `paas git:remote -a ${target.app}${remote === usualRemote ? '' : ` -r ${remote}`}`
  if (!(await isRepository())) return note(`No git repository here. In the app's repository run: ${later}`)
  const existing = await readRemote(remote)
  if (existing)
    return note(`The git remote "${remote}" points to ${existing.app} and was not changed. Change it with: ${later}`)
  await connectRepository(remote, target)
  note(`The git remote "${remote}" points to it. ${await howToDeploy(remote)}`)
}

async function info(options: AppOptions): Promise<void> {
  const { api, path } = await connectToApp(options)
  const [app, dynos, { protocol }, exposed] = await Promise.all([
    api.get<AppJson>(path),
    api.get<DynoJson[]>(`${path}/dynos`),
    api.get<EdgeJson>(`${path}/edge`),
    api.get<{ name: string; port: number; networks: string[] }[]>(`${path}/exposures`),
  ])
  print(options, { app, dynos, protocol, exposed }, () => [
    heading(app.name),
    ...list([
      ['Web URL', app.web_url],
      ['Git URL', app.git_url],
      ['Owner', app.owner.email],
      ['Stack', app.stack.name],
      ['Dynos', countDynos(dynos)],
      ['Slug size', app.slug_size === null ? 'not deployed yet' : `${Math.ceil(app.slug_size / 2 ** 20)} MB`],
      ['Maintenance', app.maintenance ? 'on' : 'off'],
      ['Protocol', protocol],
      ...exposed.map(({ name, port, networks }): [string, string] => [
        'Open to outside',
        `${name} at port ${port}, to ${networks.join(', ')}`,
      ]),
      ['Created', formatTimeAndAge(app.created_at)],
      ...(app.released_at === null ? [] : [['Released', formatTimeAndAge(app.released_at)] as [string, string]]),
    ]),
  ])
}

function countDynos(dynos: DynoJson[]): string {
  const types = Object.groupBy(dynos, ({ type }) => type)
  return (
    Object.entries(types)
      .map(([type, all]) => `${type}: ${all?.length ?? 0}`)
      .join(', ') || 'none'
  )
}

async function open(subpath: string | undefined, options: AppOptions): Promise<void> {
  const { api, path } = await connectToApp(options)
  const app = await api.get<AppJson>(path)
  const url = new URL(subpath ?? '', app.web_url).href
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const browser = spawn(opener, [url], { stdio: 'ignore', detached: true })
  browser.on('error', () => note('No browser could be opened; the URL is on stdout.'))
  browser.unref()
  print(options, { url }, () => url)
}

async function rename(name: string, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const renamed = await progress(`Renaming ${app} to ${name}`, api.patch<AppJson>(path, { name }))
  const remote = options.remote ?? usualRemote
  if ((await readRemote(remote))?.app === app) await connectRepository(remote, { server: api.server.url, app: name })
  note(`Undo with: paas rename ${app} -a ${name}`)
  print(options, renamed, ({ web_url }) => web_url)
}

async function destroy(options: DestroyOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const volumes = (await api.get<VolumeJson[]>(`${path}/volumes`)).map(({ name }) => name)
  const data = volumes.length === 0 ? '' : `, and all data in its volumes (${volumes.join(', ')}),`
  await confirm(`This removes ${app} with its releases, builds, config vars and logs${data} permanently.`, {
    name: app,
    ...(options.confirm === undefined ? {} : { given: options.confirm }),
    command: `paas destroy -a ${app} --confirm ${app}`,
  })
  const destroyed = await progress(
    `Destroying ${app}`,
    api.delete<AppJson>(volumes.length === 0 ? path : `${path}?volumes=destroy`),
  )
  const remote = await readRemote(options.remote ?? usualRemote)
  if (remote?.app === app && remote.server === api.server.url) await disconnectRepository(options.remote ?? usualRemote)
  print(options, destroyed, () => '')
}
