import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { awaitRelease } from '../await-release.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { heading, note, print, progress, table } from '../output.ts'
import { persist } from '../persist.ts'
import type { ReleaseJson } from '../resources/apps.ts'
import type { VolumeCopyJson, VolumeJson } from '../resources/data.ts'
import { connectToApp } from '../session.ts'
import { formatTimeAndAge } from '../time.ts'

export function defineVolumeCopies(program: Command): void {
  defineForApp(program, {
    name: 'volumes:backup',
    arguments: '<name>',
    summary: 'back a volume up, now',
    details:
      'The server does so each day as well. Dynos that may write to the volume are paused for the moment of the copy. It counts when it was read back from where backups are stored.',
    examples: ['paas volumes:backup data'],
  }).action(backup)

  defineForApp(program, {
    name: 'volumes:backups',
    arguments: '[name]',
    summary: 'list the backups of the volumes of an app',
    details: 'A backup is proven when it was restored into a throw-away volume and was the same there.',
    examples: ['paas volumes:backups -a acme', 'paas volumes:backups data'],
  }).action(showBackups)

  intoVolume(
    defineForApp(program, {
      name: 'volumes:restore',
      arguments: '<name> [backup]',
      summary: 'restore a backup of a volume, the newest or another',
      details:
        'It is restored into a new volume, which one-off dynos have at /volumes/NAME: look at it, then give it the place of the other with volumes:switch. With --in-place that happens at once; the volume of before is kept under the new name.',
      examples: ['paas volumes:restore data', 'paas volumes:restore data 5a7e12c4 --in-place'],
    }),
    true,
  ).action((name: string, id: string | undefined, options: IntoOptions) =>
    makeCopy({ kind: 'restore', volume: name, ...(id !== undefined && { backup: id }) }, options),
  )

  intoVolume(
    defineForApp(program, {
      name: 'volumes:fork',
      arguments: '<name>',
      summary: 'copy a volume as it is now into a new one',
      details: 'One-off dynos have the new one at /volumes/NAME; volumes:switch exchanges the two.',
      examples: ['paas volumes:fork data', 'paas volumes:fork data --as before-migration'],
    }),
    false,
  ).action((name: string, options: IntoOptions) => makeCopy({ kind: 'fork', volume: name }, options))

  defineForApp(program, {
    name: 'volumes:switch',
    arguments: '<name> <other>',
    summary: 'give each of two volumes what is in the other',
    details:
      'This makes a new release, whose dynos have the other data at the same place; the same command again undoes it. If they do not boot, both volumes have again what they had.',
    examples: ['paas volumes:switch data data-restored'],
  })
    .option('--no-wait', 'do not wait until the new release serves')
    .action(exchange)

  defineForApp(program, {
    name: 'volumes:download',
    arguments: '<name> [backup]',
    summary: 'download a backup of a volume as a tar',
    examples: ['paas volumes:download data', 'paas volumes:download data --output - | tar --list'],
  })
    .option('-o, --output <file>', 'where to write it, - for standard output (default: APP-VOLUME.tar)')
    .action(download)

  intoVolume(
    defineForApp(program, {
      name: 'volumes:upload',
      arguments: '<name> <tar>',
      summary: 'fill a new volume from a tar',
      details:
        'The tar is a file, or - for standard input; its names are relative to the volume. The new volume can take the place of the other with volumes:switch, or at once with --in-place.',
      examples: ['paas volumes:upload data files.tar', 'tar -C data -c . | paas volumes:upload data - --in-place'],
    }),
    true,
  ).action(upload)
}

type IntoOptions = AppOptions & { as?: string; inPlace?: true; wait?: boolean }

function intoVolume(command: Command, mayReplace: boolean): Command {
  command.option('--as <name>', 'the name of the new volume')
  if (!mayReplace) return command
  return command
    .option('--in-place', 'it takes the place of the volume, which is kept under the new name')
    .option('--no-wait', 'with --in-place: do not wait until the new release serves')
}

type Target = Awaited<ReturnType<typeof connectToApp>>
type Asked = { kind: VolumeCopyJson['kind']; volume: string; backup?: string }

async function backup(name: string, options: AppOptions): Promise<void> {
  const target = await connectToApp(options)
  const copy = await ask(target, { kind: 'backup', volume: name })
  const done = await progress(`Backing up ${name} of ${target.app}`, untilDone(target, copy), describe)
  sayWhere(done)
  if (!done.still) note('It was written to meanwhile: files that belong together may be of different moments.')
  note(`Restore it with: paas volumes:restore ${name} ${done.id.slice(0, 8)} -a ${target.app}`)
  print(options, done, () => '')
}

async function showBackups(name: string | undefined, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const all = (await api.get<VolumeCopyJson[]>(`${path}/volume-copies`)).filter(({ kind }) => kind === 'backup')
  const copies = all.filter(({ volume }) => name === undefined || volume.name === name)
  print(options, copies, () =>
    copies.length === 0
      ? `${app} has no backups of ${name === undefined ? 'volumes' : `the volume ${name}`}.`
      : [
          heading(`${app} Volume Backups`),
          ...table([['Id', 'Volume', 'When', 'Files', 'MiB', 'State'], ...copies.map(rowOf)]),
        ],
  )
  if (copies[0]) sayWhere(copies[0])
}

function rowOf(copy: VolumeCopyJson): string[] {
  const { id, volume, created_at, files, bytes } = copy
  return [id.slice(0, 8), volume.name, formatTimeAndAge(created_at), String(files ?? ''), mib(bytes), stateOf(copy)]
}

function stateOf({ status, reason, proven_at, still, trigger }: VolumeCopyJson): string {
  if (status === 'failed') return `failed: ${reason}`
  if (status !== 'succeeded') return status
  const facts = [trigger, ...(still ? [] : ['written to meanwhile'])]
  return [...facts, proven_at === null ? 'read back' : `proven ${formatTimeAndAge(proven_at)}`].join(', ')
}

function sayWhere({ survives_disk }: VolumeCopyJson): void {
  if (!survives_disk) {
    note("Backups are in the server's data directory, and lost with its disk: its operator sets PAAS_BACKUP_TARGET.")
  }
}

async function makeCopy(asked: Asked, options: IntoOptions): Promise<void> {
  const target = await connectToApp(options)
  const copy = await ask(target, asked, options)
  const what = asked.kind === 'fork' ? `Forking ${asked.volume}` : `Restoring ${asked.volume}`
  const done = await progress(`${what} of ${target.app} into ${copy.into?.name}`, untilDone(target, copy), describe)
  await follow(target, done, options)
}

async function upload(name: string, from: string, options: IntoOptions): Promise<void> {
  const target = await connectToApp(options)
  const bytes: Readable = from === '-' ? process.stdin : createReadStream(from)
  if (from !== '-') await opened(bytes)
  const copy = await ask(target, { kind: 'upload', volume: name }, options)
  const sent = target.api.put<VolumeCopyJson>(`${target.path}/volume-copies/${copy.id}/files`, bytes)
  const done = await progress(`Uploading into ${copy.into?.name} of ${target.app}`, sent, describe)
  await follow(target, done, options)
}

function opened(file: Readable): Promise<void> {
  return new Promise((ready, fail) => file.once('open', () => ready()).once('error', fail))
}

async function follow(target: Target, copy: VolumeCopyJson, options: IntoOptions): Promise<void> {
  const { app, api } = target
  const { into, volume } = copy
  if (into?.switch) {
    const { version } = await newest(target)
    if (options.wait !== false) await awaitRelease(api, target, version, `Releasing ${app} v${version}`)
    note(
      `What ${volume.name} had is in ${into.name}. Undo with: paas volumes:switch ${volume.name} ${into.name} -a ${app}`,
    )
  } else {
    note(`Look at it with: paas run -a ${app} ls /volumes/${into?.name}`)
    note(`Use it with: paas volumes:switch ${volume.name} ${into?.name} -a ${app}`)
  }
  print(options, copy, () => '')
}

async function newest({ api, path }: Target): Promise<ReleaseJson> {
  const [release] = await api.get<ReleaseJson[]>(`${path}/releases`, 'version ..; order=desc,max=1')
  if (release) return release
  throw new PaasError('not_found', 'There is no release.')
}

async function exchange(name: string, other: string, options: AppOptions & { wait: boolean }): Promise<void> {
  const target = await connectToApp(options)
  const { api, app, path } = target
  const made = api.post<VolumeJson>(`${path}/volumes/${encodeURIComponent(name)}/actions/switch`, { with: other })
  const volume = await progress(`Switching ${name} and ${other} of ${app}`, made)
  const version = volume.release?.version
  if (version !== undefined && options.wait) await awaitRelease(api, target, version, `Releasing ${app} v${version}`)
  note(`Undo with: paas volumes:switch ${name} ${other} -a ${app}`)
  print(options, volume, () => '')
}

async function download(
  name: string,
  id: string | undefined,
  options: AppOptions & { output?: string },
): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const { output = `${app}-${name}.tar` } = options
  const copies = await api.get<VolumeCopyJson[]>(`${path}/volume-copies`)
  const good = copies.filter(({ kind, status }) => kind === 'backup' && status === 'succeeded')
  const found = good.find((copy) => (id === undefined ? copy.volume.name === name : copy.id.startsWith(id)))
  if (!found) {
    throw new PaasError('backup_missing', `There is no backup ${id ?? ''} of the volume ${name}.`.replace('  ', ' '), {
      hint: `Make one with: paas volumes:backup ${name} -a ${app}`,
    })
  }
  const tar = await api.stream(`${path}/volume-copies/${found.id}/files`, {})
  if (output === '-') return pipeline(tar, process.stdout)
  const written = pipeline(tar, createWriteStream(output)).catch(async (cause: unknown) => {
    await rm(output, { force: true })
    throw cause
  })
  await progress(`Downloading ${name} as of ${formatTimeAndAge(found.created_at)}`, written, () => output)
  print(options, { backup: found.id, output }, () => '')
}

function ask({ api, path }: Target, asked: Asked, { as, inPlace }: Partial<IntoOptions> = {}): Promise<VolumeCopyJson> {
  const into = { ...(as !== undefined && { name: as }), ...(inPlace && { switch: true }) }
  return api.post<VolumeCopyJson>(`${path}/volume-copies`, { ...asked, ...into })
}

/** Milliseconds. A terabyte takes hours; nobody has to wait for it. */
const patience = 24 * 3600_000
const lookEvery = (elapsed: number): number => (elapsed < 20_000 ? 300 : 3000)

/** @throws backup_failed with the reason */
async function untilDone({ api, path }: Target, { id }: VolumeCopyJson): Promise<VolumeCopyJson> {
  const begin = performance.now()
  for (;;) {
    const copy = await persist(api, () => api.get<VolumeCopyJson>(`${path}/volume-copies/${id}`), { patience })
    if (copy.status === 'succeeded') return copy
    if (copy.status === 'failed') throw new PaasError('backup_failed', copy.reason ?? 'The copy failed.')
    await wait(lookEvery(performance.now() - begin))
  }
}

function describe({ id, files, bytes }: VolumeCopyJson): string {
  return `${files === 1 ? '1 file' : `${files} files`}, ${mib(bytes)} MiB (${id.slice(0, 8)})`
}

function mib(bytes: number | null): string {
  return bytes === null ? '' : (bytes / 2 ** 20).toFixed(1)
}
