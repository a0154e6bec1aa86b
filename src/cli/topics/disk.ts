import type { Command } from 'commander'
import type { Client } from '../client.ts'
import { define, type Options } from '../command.ts'
import { heading, note, print, table } from '../output.ts'
import type { AppDiskJson } from '../resources/server.ts'
import { connect } from '../session.ts'

export function defineDisk(program: Command): void {
  define(program, {
    name: 'disk',
    arguments: '[app]',
    summary: 'show what apps take of the disk of the server',
    details:
      'The largest first. What is counted would be free without the app: its layers of images, not those that it shares; its build cache, git repository, logs, and volumes as they were measured last. "paas builds:cache:purge" empties a cache, "paas destroy" removes all.',
    examples: ['paas disk', 'paas disk acme --json'],
  }).action(show)
}

async function show(name: string | undefined, options: Options): Promise<void> {
  const api = connect()
  const names = name === undefined ? (await api.get<{ name: string }[]>('/apps')).map((app) => app.name) : [name]
  const found = await diskOfAll(api, names)
  if (found.length === 0) note('You have no apps.')
  print(options, found, () => [
    heading('Disk use of apps, in MiB'),
    ...table([['App', 'Total', 'Images', 'Cache', 'Repository', 'Logs', 'Volumes'], ...found.map(rowOf)]),
  ])
}

/** One after the other: each has the server look at many files. */
async function diskOfAll(api: Client, names: string[]): Promise<AppDiskJson[]> {
  const found: AppDiskJson[] = []
  for (const name of names) found.push(await api.get<AppDiskJson>(`/apps/${encodeURIComponent(name)}/disk`))
  return found.toSorted((one, other) => other.total_bytes - one.total_bytes)
}

function rowOf(disk: AppDiskJson): string[] {
  const { image_bytes, cache_bytes, repository_bytes, log_bytes } = disk
  const bytes = [disk.total_bytes, image_bytes, cache_bytes, repository_bytes, log_bytes].map(inMebibytes)
  const volumes = disk.volumes.map(({ name, used_bytes }) => `${name} ${inMebibytes(used_bytes)}`)
  return [disk.app.name, ...bytes, volumes.join(', ')]
}

function inMebibytes(bytes: number | null): string {
  return bytes === null ? '?' : (bytes / 2 ** 20).toFixed(1)
}
