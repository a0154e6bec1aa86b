import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { describeBuild } from '../build-info.ts'
import { sourceBlobFor, type SourceOptions } from '../build-source.ts'
import type { Client } from '../client.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { parseCount } from '../count.ts'
import { followOutput } from '../follow-output.ts'
import { fullId } from '../ids.ts'
import { persist } from '../persist.ts'
import { heading, note, print, progress, table } from '../output.ts'
import type { BuildJson } from '../resources/builds.ts'
import { connectToApp } from '../session.ts'
import { formatTimeAndAge } from '../time.ts'

export function defineBuilds(program: Command): void {
  defineForApp(program, {
    name: 'builds',
    summary: 'list the builds of an app, newest first',
    examples: ['paas builds', 'paas builds -n 50 --json'],
  })
    .option('-n, --num <count>', 'how many, at most', '10')
    .action(showBuilds)

  defineForApp(program, {
    name: 'builds:create',
    summary: 'build and deploy the current commit again, or a tarball',
    details:
      'Shows the output as it is written, and exits with 1 if the build fails. A directory or tarball needs no git. From a git repository, --source-dir sends the tracked and unignored files as they are now.',
    examples: [
      'paas builds:create',
      'paas builds:create --source-dir      # the current directory',
      'paas builds:create --source-tar acme.tgz --source-version v1.2',
      'paas builds:create --source-url https://example.com/acme.tgz',
      'paas builds:create --no-cache -a acme --detach',
    ],
  })
    .option('--source-dir [path]', 'build the files of a directory (default: the current one)')
    .option('--source-tar <file>', 'build a tarball')
    .option('--source-url <url>', 'build the tarball at a URL')
    .option('--source-version <text>', 'name of the version (default: from git)')
    .option('--no-cache', 'build with an empty cache')
    .option('--detach', 'do not wait for the build')
    .action(create)

  defineForApp(program, {
    name: 'builds:info',
    arguments: '[id]',
    summary: 'show how a build went: its phases, cache and sizes',
    details: 'Without an id, the newest build. The beginning of an id is enough.',
    examples: ['paas builds:info', 'paas builds:info 01234567 --json'],
  }).action(showInfo)

  defineForApp(program, {
    name: 'builds:output',
    arguments: '[id]',
    summary: 'show the output of a build, and follow it',
    details:
      'The output of a running build is followed to its end, and a failure exits with 1. Without an id, the newest build. The beginning of an id is enough. With --json, prints the build with its output when it has ended.',
    examples: ['paas builds:output', 'paas builds:output 01234567'],
  }).action(showOutput)

  defineForApp(program, {
    name: 'builds:cancel',
    arguments: '[id]',
    summary: 'cancel a build; the current release keeps serving',
    details: 'Without an id, the running or waiting build.',
    examples: ['paas builds:cancel'],
  }).action(cancel)

  defineForApp(program, {
    name: 'builds:cache:purge',
    summary: 'empty the build cache of an app',
    details:
      'Removes the cache of buildpacks, and the steps and cache mounts of a Dockerfile. The app keeps serving; the next build takes longer.',
    examples: ['paas builds:cache:purge', 'paas builds:cache:purge -a acme'],
  }).action(purgeCache)
}

async function showBuilds(options: AppOptions & { num: string }): Promise<void> {
  const count = parseCount(options.num)
  const { api, app, path } = await connectToApp(options)
  const builds = await newest(api, path, count)
  if (builds.length === 0) note(`${app} has no builds. Start one with: git push paas main`)
  print(options, builds, () => [
    heading(`${app} Builds`),
    ...table(
      builds.map((build) => [
        build.id,
        build.state,
        commitOf(build),
        build.user.email,
        formatTimeAndAge(build.created_at),
      ]),
    ),
  ])
}

type CreateOptions = AppOptions & SourceOptions & { cache: boolean; detach?: true }

async function create(options: CreateOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const made = ask(api, path, options)
  const { sourceDir, sourceTar, sourceUrl } = options
  const again = (sourceDir ?? sourceTar ?? sourceUrl) ? '' : ' again'
  const build = await progress(`Building ${app}${again}`, made, (one) => `build ${one.id} of ${commitOf(one)}`)
  if (options.detach) note(`Watch it with: paas builds:output ${build.id} -a ${app}`)
  else await watch(api, { path, build, to: options.json ? process.stderr : process.stdout })
  print(options, build, () => '')
}

async function ask(api: Client, path: string, options: CreateOptions): Promise<BuildJson> {
  const source = await sourceBlobFor(api, options)
  return api.post<BuildJson>(`${path}/builds`, {
    ...(source && { source_blob: source }),
    ...(options.cache ? {} : { no_cache: true }),
  })
}

async function showInfo(id: string | undefined, options: AppOptions): Promise<void> {
  const { api, path, app } = await connectToApp(options)
  print(options, await buildOf(api, { app, path }, id), (build) => describeBuild(build, app))
}

async function showOutput(id: string | undefined, options: AppOptions): Promise<void> {
  const { api, path, app } = await connectToApp(options)
  const build = await buildOf(api, { app, path }, id)
  if (!options.json) return watch(api, { path, build, to: process.stdout })
  const output = await text(followOutput(api, build.output_stream_url))
  const ended = await endOf(api, { path, build })
  print(options, { ...ended, output }, () => '')
  throwIfFailed(build, ended)
}

/** The newest one without an id. @throws not_found */
async function buildOf(api: Client, { app, path }: { app: string; path: string }, id?: string): Promise<BuildJson> {
  const build =
    id === undefined ? (await newest(api, path, 1))[0] : await find(api, path, await fullIdOf(api, { app, path }, id))
  if (build) return build
  throw new PaasError('not_found', `${app} has no builds.`, { hint: 'Start one with: git push paas main' })
}

/** Copies the output to its end. @throws build_failed for a build that failed meanwhile */
async function watch(
  api: Client,
  { path, build, to }: { path: string; build: BuildJson; to: NodeJS.WriteStream },
): Promise<void> {
  await pipeline(followOutput(api, build.output_stream_url), to, { end: false })
  throwIfFailed(build, await endOf(api, { path, build }))
}

async function endOf(api: Client, { path, build }: { path: string; build: BuildJson }): Promise<BuildJson> {
  return build.status === 'pending' ? persist(api, () => find(api, path, build.id)) : build
}

function throwIfFailed(before: BuildJson, { id, state, failure }: BuildJson): void {
  if (before.status !== 'pending' || state === 'succeeded') return
  const why = failure ? `failed: ${failure.message}` : `was ${state}.`
  throw new PaasError('build_failed', `The build ${id} ${why}`, { hint: 'The previous release keeps serving.' })
}

async function cancel(id: string | undefined, options: AppOptions): Promise<void> {
  const { api, path, app } = await connectToApp(options)
  const build =
    id === undefined
      ? (await newest(api, path, 50)).findLast(({ status }) => status === 'pending')?.id
      : await fullIdOf(api, { app, path }, id)
  if (build === undefined) {
    throw new PaasError('not_found', `${app} has no running or waiting build.`, { hint: `See: paas builds -a ${app}` })
  }
  const cancelled = api.delete<BuildJson>(`${path}/builds/${encodeURIComponent(build)}`)
  const stopped = await progress(`Cancelling the build ${build} of ${app}`, cancelled)
  print(options, stopped, () => '')
  if (stopped.status === 'pending')
    note(`The worker is told to stop it. To see its end: paas builds:output ${build} -a ${app}`)
}

async function purgeCache(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const purged = api.delete<object>(`${path}/build-cache`)
  print(options, await progress(`Emptying the build cache of ${app}`, purged), () => '')
}

function fullIdOf(api: Client, { app, path }: { app: string; path: string }, given: string): Promise<string> {
  const all = (): Promise<BuildJson[]> => api.get<BuildJson[]>(`${path}/builds`)
  return fullId(given, { what: 'build', see: `paas builds -n 50 -a ${app}`, all })
}

function find(api: Client, path: string, id: string): Promise<BuildJson> {
  return api.get<BuildJson>(`${path}/builds/${encodeURIComponent(id)}`)
}

function newest(api: Client, path: string, count: number): Promise<BuildJson[]> {
  return api.get<BuildJson[]>(`${path}/builds`, `created_at ..; order=desc,max=${count}`)
}

function commitOf({ source_blob }: BuildJson): string {
  return source_blob.version?.slice(0, 8) ?? ''
}
