import { createWriteStream, statSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { parseProcfile, type ProcessTypes } from '../../model/procfile.ts'
import type { Client } from '../client.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { heading, list, note, print, progress } from '../output.ts'
import type { ReleaseJson } from '../resources/apps.ts'
import type { SlugJson } from '../resources/builds.ts'
import { connectToApp } from '../session.ts'
import { describeState, packDirectory, readTarball } from '../tarball.ts'
import { fullSlugId } from '../slug-id.ts'
import { formatTimeAndAge } from '../time.ts'

export function defineSlugs(program: Command): void {
  defineForApp(program, {
    name: 'slugs:info',
    arguments: '[id]',
    summary: 'show a slug',
    details: 'Without an id, that of the current release.',
    examples: ['paas slugs:info -a acme'],
  }).action(showSlug)

  defineForApp(program, {
    name: 'slugs:download',
    arguments: '[id]',
    summary: 'download the files of a slug',
    details:
      'The result is a gzipped tarball with the files in ./app, which slugs:create accepts on any server. Without an id, the slug of the current release.',
    examples: ['paas slugs:download -a acme', 'paas slugs:download -o - | tar tz'],
  })
    .option('-o, --output <file>', 'the file to write (default: APP-SLUG.tgz; - is stdout)')
    .action(download)

  defineForApp(program, {
    name: 'slugs:create',
    arguments: '<path>',
    summary: 'upload a directory or tarball as a slug, without a build',
    details:
      'In a tarball the files are in ./app. From a git repository it sends the tracked and unignored files as they are now. The process types come from the Procfile in the directory unless --process is given.',
    examples: ['paas slugs:create . -a acme', 'paas slugs:create acme-1a2b3c4d.tgz --process web="node server.js"'],
  })
    .option('--process <TYPE=COMMAND...>', 'the process types', (value, all: string[]) => [...all, value], [])
    .action(create)
}

async function showSlug(id: string | undefined, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const slug = await slugOf(api, { app, path }, id)
  print(options, slug, () => [
    heading(`Slug ${slug.id}`),
    ...list([
      ['Commit', slug.commit ?? 'none'],
      ['Built by', slug.buildpack_provided_description ?? 'unknown'],
      ['Size', slug.size === null ? 'nothing uploaded yet' : `${(slug.size / 2 ** 20).toFixed(1)} MiB`],
      ['Stack', slug.stack.name],
      ['When', formatTimeAndAge(slug.created_at)],
      ...Object.entries(slug.process_types).map(([type, command]): [string, string] => [type, command]),
    ]),
  ])
}

async function download(id: string | undefined, options: AppOptions & { output?: string }): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const slug = await slugOf(api, { app, path }, id)
  const { output = `${app}-${slug.id.slice(0, 8)}.tgz` } = options
  const archive = await api.stream(slug.blob.url, {})
  if (output === '-') return pipeline(archive, process.stdout)
  const written = pipeline(archive, createWriteStream(output)).catch(async (cause: unknown) => {
    await rm(output, { force: true })
    throw cause
  })
  await progress(`Downloading slug ${slug.id}`, written, () => output)
  print(options, { slug: slug.id, output }, () => '')
}

async function create(from: string, options: AppOptions & { process: string[] }): Promise<void> {
  const isDirectory = statSync(from, { throwIfNoEntry: false })?.isDirectory() === true
  const types = options.process.length > 0 ? givenTypes(options.process) : await procfileOf(from, isDirectory)
  const { bytes, done } = isDirectory ? await packDirectory(from, './app') : readTarball(from)
  const commit = isDirectory ? await describeState(from) : undefined
  const { api, app, path } = await connectToApp(options)
  const asked = { process_types: types, ...(commit !== undefined && { commit }) }
  const slug = await api.post<SlugJson>(`${path}/slugs`, asked)
  const sent = Promise.allSettled([api.upload(slug.blob.url, bytes), done])
  await progress(`Uploading a slug for ${app}`, settled(sent), () => slug.id)
  note(`Release it with: paas releases:create ${slug.id} -a ${app}`)
  print(options, await slugOf(api, { app, path }, slug.id), () => slug.id)
}

/** Why there was no whole tarball says more than that the upload was cut off. */
async function settled(sent: Promise<PromiseSettledResult<void>[]>): Promise<void> {
  for (const result of (await sent).toReversed()) if (result.status === 'rejected') throw result.reason
}

function givenTypes(texts: string[]): ProcessTypes {
  return Object.fromEntries(
    texts.map((text) => {
      const [, type = '', command = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? []
      if (type !== '') return [type, command]
      throw new PaasError('usage', `--process is "${text}"; it must be TYPE=COMMAND.`)
    }),
  )
}

/** @throws usage, procfile_invalid */
async function procfileOf(from: string, isDirectory: boolean): Promise<ProcessTypes> {
  const path = join(from, 'Procfile')
  const isThere = isDirectory && statSync(path, { throwIfNoEntry: false })?.isFile() === true
  if (isThere) return parseProcfile(await readFile(path, 'utf8'))
  const problem = isDirectory ? `${from} has no Procfile` : 'a tarball does not name its process types'
  throw new PaasError('usage', `The slug has no process types: ${problem}.`, {
    hint: 'Name them with: --process web="node server.js"',
  })
}

async function slugOf(api: Client, { app, path }: { app: string; path: string }, id?: string): Promise<SlugJson> {
  if (id !== undefined) {
    const full = await fullSlugId(api, { app, path }, id)
    return api.get<SlugJson>(`${path}/slugs/${encodeURIComponent(full)}`)
  }
  const { slug } = await api.get<ReleaseJson>(`${path}/releases/current`)
  if (slug) return api.get<SlugJson>(`${path}/slugs/${slug.id}`)
  throw new PaasError('app_not_deployed', `${app} has no slug yet.`)
}
