import type { Command } from 'commander'
import { awaitRelease } from '../await-release.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { confirm } from '../confirm.ts'
import type { ToldFilling } from '../../model/volume-copy.ts'
import { heading, list, note, print, progress, table } from '../output.ts'
import type { VolumeJson } from '../resources/data.ts'
import { connectToApp } from '../session.ts'
import { formatTimeAndAge } from '../time.ts'

export function defineVolumes(program: Command): void {
  defineForApp(program, {
    name: 'volumes',
    summary: 'list the volumes of an app',
    details: 'A volume is a directory of its dynos whose files stay when dynos are replaced.',
    examples: ['paas volumes -a acme'],
  }).action(showAll)

  defineForApp(program, {
    name: 'volumes:info',
    arguments: '<name>',
    summary: 'show a volume',
    examples: ['paas volumes:info media'],
  }).action(showOne)

  defineForApp(program, {
    name: 'volumes:create',
    arguments: '<name>',
    summary: 'add a volume to an app',
    details:
      'This makes a new release, whose dynos of the type mount it. One dyno at a time has it, so that the type can have one dyno: a deploy stops the old dyno before it starts the new one, and holds requests meanwhile. With --shared, several dynos may write at once.',
    examples: [
      'paas volumes:create media --mount /app/media',
      'paas volumes:create queue --mount /data --type worker',
      'paas volumes:create uploads --mount /app/uploads --shared --type web --type worker',
    ],
  })
    .requiredOption('-m, --mount <path>', 'where dynos have it, such as /app/media')
    .option('-t, --type <type>', 'a process type that mounts it (default: web); several with --shared', collect)
    .option('--single-writer', 'one dyno at a time has it (default)')
    .option('--shared', 'several dynos may have it at once')
    .option('--no-wait', 'do not wait until the new release serves')
    .action(create)

  defineForApp(program, {
    name: 'volumes:destroy',
    arguments: '<name>',
    summary: 'remove a volume with all that is in it',
    details: 'This makes a new release without it; the data goes when no dyno has it any more. This cannot be undone.',
    examples: ['paas volumes:destroy media', 'paas volumes:destroy media --confirm media'],
  })
    .option('-c, --confirm <name>', 'the name again, to confirm without a prompt')
    .option('--no-wait', 'do not wait until the new release serves')
    .action(destroy)
}

type CreateOptions = AppOptions & {
  mount: string
  type?: string[]
  singleWriter?: true
  shared?: true
  wait: boolean
}

function collect(type: string, types: string[] = []): string[] {
  return [...types, type]
}

async function showAll(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const volumes = await api.get<VolumeJson[]>(`${path}/volumes`)
  print(options, volumes, () =>
    volumes.length === 0
      ? `${app} has no volumes.`
      : [
          heading(`${app} Volumes`),
          ...table([['Name', 'Mount', 'Types', 'Writers', 'MiB used'], ...volumes.map(rowOf)]),
        ],
  )
}

function rowOf(volume: VolumeJson): string[] {
  const { name, mount, types } = volume
  return [name, mount, types.join(', '), writersOf(volume), useOf(volume)]
}

function writersOf({ single_writer, read_only }: VolumeJson): string {
  return read_only ? 'none: it is full' : single_writer ? 'one at a time' : 'shared'
}

function useOf({ used_bytes, limit_bytes }: VolumeJson): string {
  const used = used_bytes === null ? '?' : (used_bytes / 2 ** 20).toFixed(1)
  return `${used} of ${Math.round(limit_bytes / 2 ** 20)}`
}

function fillingOf({ kind, volume: { name }, backup, as_of: at }: ToldFilling): string {
  const what = kind === 'upload' ? 'an upload' : `${backup ? `backup ${backup.id.slice(0, 8)} of ` : ''}${name}`
  return `${what}, as of ${formatTimeAndAge(at)}`
}

async function showOne(name: string, options: AppOptions): Promise<void> {
  const { api, path } = await connectToApp(options)
  print(options, await api.get<VolumeJson>(`${path}/volumes/${encodeURIComponent(name)}`), (volume) => [
    heading(volume.name),
    ...list([
      ['Id', volume.id],
      ['App', volume.app.name],
      ['Mount', volume.mount],
      ['Types', volume.types.join(', ')],
      ['Writers', writersOf(volume)],
      ['MiB used', useOf(volume)],
      ['Measured', volume.measured_at === null ? 'not yet' : formatTimeAndAge(volume.measured_at)],
      ...(volume.filled_from ? [['Filled from', fillingOf(volume.filled_from)] as [string, string]] : []),
      ['Created', formatTimeAndAge(volume.created_at)],
    ]),
  ])
}

async function create(name: string, options: CreateOptions): Promise<void> {
  const target = await connectToApp(options)
  const { mount, type: types } = options
  const body = { name, mount, ...(types && { types }), single_writer: options.shared !== true }
  const made = target.api.post<VolumeJson>(`${target.path}/volumes`, body)
  const volume = await progress(`Creating the volume ${name} of ${target.app}`, made)
  await follow(target, volume, options)
  note(`Look into it with: paas ps:exec -a ${target.app} ls ${mount}`)
  note(`Undo with: paas volumes:destroy ${name} -a ${target.app}`)
  print(options, volume, () => '')
}

async function destroy(name: string, options: AppOptions & { confirm?: string; wait: boolean }): Promise<void> {
  const target = await connectToApp(options)
  const { api, app, path } = target
  await api.get<VolumeJson>(`${path}/volumes/${encodeURIComponent(name)}`)
  await confirm(`This removes the volume ${name} of ${app} with all data in it permanently.`, {
    name,
    ...(options.confirm === undefined ? {} : { given: options.confirm }),
    command: `paas volumes:destroy ${name} -a ${app} --confirm ${name}`,
  })
  const query = `?confirm=${encodeURIComponent(name)}`
  const removed = api.delete<VolumeJson>(`${path}/volumes/${encodeURIComponent(name)}${query}`)
  const volume = await progress(`Destroying the volume ${name} of ${app}`, removed)
  await follow(target, volume, options)
  print(options, volume, () => '')
}

type Target = Awaited<ReturnType<typeof connectToApp>>

/** Before the first deploy there is nothing to restart. */
async function follow({ api, app, path }: Target, { release }: VolumeJson, { wait }: { wait: boolean }): Promise<void> {
  if (!release) return
  if (!wait) return note(`Made release v${release.version}.`)
  await awaitRelease(api, { app, path }, release.version, `Releasing ${app} v${release.version}`)
}
