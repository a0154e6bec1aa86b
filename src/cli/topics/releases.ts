import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { awaitRelease } from '../await-release.ts'
import type { Client } from '../client.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { parseCount } from '../count.ts'
import { earlierRelease } from '../earlier-release.ts'
import { followOutput } from '../follow-output.ts'
import { heading, list, note, print, progress, table } from '../output.ts'
import type { ReleaseJson } from '../resources/apps.ts'
import { connectToApp } from '../session.ts'
import { fullSlugId } from '../slug-id.ts'
import { formatTimeAndAge } from '../time.ts'

export function defineReleases(program: Command): void {
  defineForApp(program, {
    name: 'releases',
    summary: 'list the releases of an app, newest first',
    examples: ['paas releases', 'paas releases -n 50 -a acme'],
  })
    .option('-n, --num <count>', 'how many, at most', '15')
    .action(showReleases)

  defineForApp(program, {
    name: 'releases:info',
    arguments: '[version]',
    summary: 'show one release',
    details: 'Shows the keys of its config vars; with --json also their values. Without a version, the newest release.',
    examples: ['paas releases:info v12'],
  }).action(showRelease)

  defineForApp(program, {
    name: 'releases:output',
    arguments: '[version]',
    summary: 'show the output of the release command of a release',
    details: 'The output of a running command is followed to its end. Without a version, the newest release.',
    examples: ['paas releases:output', 'paas releases:output v12 -a acme'],
  }).action(showOutput)

  defineForApp(program, {
    name: 'releases:create',
    arguments: '<slug>',
    summary: 'release a slug',
    details:
      'The slug was uploaded (slugs:create) or built, for this app or for another one whose source you may read. The release has the config vars of this app.',
    examples: ['paas releases:create 01234567-89ab-cdef-0123-456789abcdef -a acme-production'],
  })
    .option('--description <text>', 'description of the release (default: Deploy and its commit)')
    .option('--no-wait', 'do not wait until the new release serves')
    .action(releaseSlug)

  defineForApp(program, {
    name: 'rollback',
    arguments: '[version]',
    summary: 'go back to an earlier release',
    details:
      'Makes a new release with the code and config vars of that version. Without a version, the last successful one before the current release.',
    examples: ['paas rollback', 'paas rollback v11 -a acme'],
  })
    .option('--no-wait', 'do not wait until the new release serves')
    .action(rollback)
}

async function showReleases(options: AppOptions & { num: string }): Promise<void> {
  const count = parseCount(options.num)
  const { api, app, path } = await connectToApp(options)
  const releases = await api.get<ReleaseJson[]>(`${path}/releases`, newest(count))
  const current = releases.find((release) => release.current)
  print(options, releases, () => [
    heading(`${app} Releases${current ? ` - Current: v${current.version}` : ''}`),
    ...table(
      releases.map((release) => [
        `v${release.version}`,
        describe(release),
        release.user.email,
        formatTimeAndAge(release.created_at),
      ]),
    ),
  ])
}

async function showRelease(version: string | undefined, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const release = await releaseOf(api, { app, path }, version)
  const config = await api.get<Record<string, string>>(`${path}/releases/${release.version}/config-vars`)
  print(options, { ...release, config_vars: config }, () => [
    heading(`Release v${release.version} of ${app}`),
    ...list([
      ['Change', describe(release)],
      ['By', release.user.email],
      ['When', formatTimeAndAge(release.created_at)],
      ['Config vars', Object.keys(config).toSorted().join(', ') || 'none'],
    ]),
  ])
}

async function showOutput(version: string | undefined, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const release = await releaseOf(api, { app, path }, version)
  if (release.output_stream_url === null) {
    throw new PaasError('not_found', `v${release.version} of ${app} ran no release command.`)
  }
  const output = followOutput(api, release.output_stream_url)
  if (options.json) return print(options, { version: release.version, output: await text(output) }, () => '')
  await pipeline(output, process.stdout, { end: false })
}

/** The newest one without a version. */
async function releaseOf(
  api: Client,
  { app, path }: { app: string; path: string },
  version: string | undefined,
): Promise<ReleaseJson> {
  if (version !== undefined) return api.get<ReleaseJson>(`${path}/releases/${bare(version)}`)
  const [first] = await api.get<ReleaseJson[]>(`${path}/releases`, newest(1))
  if (first) return first
  throw new PaasError('not_found', `${app} has no releases.`)
}

async function releaseSlug(
  given: string,
  options: AppOptions & { description?: string; wait: boolean },
): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const { description } = options
  const slug = await fullSlugId(api, { app, path }, given)
  const made = await progress(
    `Releasing slug ${slug} to ${app}`,
    api.post<ReleaseJson>(`${path}/releases`, { slug, ...(description !== undefined && { description }) }),
    (release) => `as v${release.version}`,
  )
  if (options.wait) await awaitRelease(api, { app, path }, made.version, `Waiting until v${made.version} serves`)
  print(options, made, () => '')
}

async function rollback(version: string | undefined, options: AppOptions & { wait: boolean }): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const current = await api.get<ReleaseJson>(`${path}/releases/current`)
  const target =
    version === undefined
      ? await previousGood(api, { app, path, current })
      : await api.get<ReleaseJson>(`${path}/releases/${bare(version)}`)
  const made = await progress(
    `Rolling back ${app} to v${target.version}`,
    api.post<ReleaseJson>(`${path}/releases`, { release: target.id }),
    (release) => `as v${release.version}`,
  )
  if (options.wait) await awaitRelease(api, { app, path }, made.version, `Waiting until v${made.version} serves`)
  note('Code and config vars were rolled back; databases and other services were not.')
  note(`Undo with: paas rollback v${current.version} -a ${app}`)
  print(options, made, () => '')
}

/** The newest release below the current one that succeeded and has code. */
async function previousGood(
  api: Client,
  { app, path, current }: { app: string; path: string; current: ReleaseJson },
): Promise<ReleaseJson> {
  const isGood = ({ status, slug, superseded_by: by }: ReleaseJson): boolean =>
    status === 'succeeded' && !by && slug !== null
  const found = await earlierRelease(api, path, current.version, isGood)
  if (found) return found
  throw new PaasError('not_found', `${app} has no earlier release to go back to.`, {
    hint: `See: paas releases -a ${app}`,
  })
}

function describe({ description, status, superseded_by: by }: ReleaseJson): string {
  if (by) return `${description} (superseded by v${by})`
  return status === 'succeeded' ? description : `${description} (${status})`
}

function newest(count: number): string {
  return `version ..; order=desc,max=${count}`
}

/** `v12` and `12` are the same; an id is one, too. */
function bare(version: string): string {
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(version)) return version
  if (/^v?\d+$/.test(version)) return version.replace('v', '')
  throw new PaasError('usage', `"${version}" is not a version.`, { hint: 'A version is v12 or 12. See: paas releases' })
}
