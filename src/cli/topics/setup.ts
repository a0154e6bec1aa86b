import { statSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { sourceBlobFor, type SourceOptions } from '../build-source.ts'
import type { Client } from '../client.ts'
import { define, type Options } from '../command.ts'
import { followOutput } from '../follow-output.ts'
import { persist } from '../persist.ts'
import { note, print, progress } from '../output.ts'
import { parsePairs } from '../pairs.ts'
import type { AppJson, AppSetupJson } from '../resources/apps.ts'
import { connect } from '../session.ts'

export function defineSetup(program: Command): void {
  define(program, {
    name: 'setup',
    arguments: '<source> [name]',
    summary: 'create and deploy an app from a directory or tarball',
    details:
      'Creates the app, sets the config vars, buildpacks and formation of its app.json, builds, deploys and runs the postdeploy command, and shows ' +
      'their output. Exits with 0 if all of it succeeded: then the app serves. The source is a directory, a .tgz, or the URL of one.',
    examples: [
      'paas setup . acme                     # the current directory',
      'paas setup acme.tgz -e API_KEY=- < key # a value read from stdin',
      'paas setup https://example.com/acme.tgz --buildpack heroku/nodejs',
    ],
  })
    .option('-e, --env <KEY=VALUE>', 'a config var that overrides app.json; may be repeated', collect, [])
    .option('--buildpack <name>', 'a buildpack instead of those of app.json; may be repeated', collect, [])
    .action(setUp)
}

type SetupOptions = Options & { env: string[]; buildpack: string[] }

async function setUp(source: string, name: string | undefined, options: SetupOptions): Promise<void> {
  const api = connect()
  const env = await parsePairs(options.env)
  const asked = async (): Promise<AppSetupJson> =>
    api.post<AppSetupJson>('/app-setups', {
      source_blob: await sourceBlobFor(api, sourceNamed(source)),
      ...(name !== undefined && { app: { name } }),
      overrides: {
        env,
        ...(options.buildpack.length > 0 && { buildpacks: options.buildpack.map((url) => ({ url })) }),
      },
    })
  const setup = await progress(`Setting up ${name ?? 'an app'}`, asked(), ({ app }) => app.name)
  await showBuild(api, setup, options)
  const ended = await end(api, setup)
  if (ended.postdeploy) showPostdeploy(ended.postdeploy.output, options)
  if (ended.status === 'failed') throw whyFailed(ended)
  const app = await api.get<AppJson>(`/apps/${ended.app.id}`)
  note(`Connect a repository with: paas git:remote -a ${app.name}`)
  print(options, ended, () => ended.resolved_success_url ?? app.web_url)
}

/** @throws usage for what is nothing of all that */
function sourceNamed(source: string): SourceOptions {
  if (/^https?:\/\//i.test(source)) return { sourceUrl: source }
  const file = statSync(source, { throwIfNoEntry: false })
  if (file?.isDirectory()) return { sourceDir: source }
  if (file?.isFile()) return { sourceTar: source }
  throw new PaasError('usage', `"${source}" is neither a directory, nor a tarball, nor the URL of one.`, {
    hint: 'For example: paas setup . acme',
  })
}

async function showBuild(api: Client, { build }: AppSetupJson, options: Options): Promise<void> {
  if (!build) return
  await pipeline(followOutput(api, build.output_stream_url), options.json ? process.stderr : process.stdout, {
    end: false,
  })
}

/** Milliseconds between polls: a token's requests per hour are limited. */
const lookEvery = 1000

async function end(api: Client, { id }: AppSetupJson): Promise<AppSetupJson> {
  for (;;) {
    const setup = await persist(api, () => api.get<AppSetupJson>(`/app-setups/${id}`))
    if (setup.status !== 'pending') return setup
    await wait(lookEvery)
  }
}

function showPostdeploy(output: string, options: Options): void {
  const shown = `-----> Postdeploy command\n${output.replaceAll(/^(?=.)/gm, '       ')}`
  ;(options.json ? process.stderr : process.stdout).write(shown)
}

function whyFailed({ app, build, failure_message: failure, manifest_errors: problems }: AppSetupJson): PaasError {
  const details = problems.map((problem) => problem.replace(/^app\.json: /, '')).join('; ')
  const why = [failure ?? 'no reason was given', details].filter(Boolean).join(': ')
  const serves = build?.status === 'succeeded'
  const stays = serves ? 'The app serves anyway.' : 'The app exists, but nothing is deployed.'
  return new PaasError('setup_failed', `${app.name} was not set up: ${why.replace(/\.$/, '')}. ${stays}`, {
    hint: serves
      ? `Run the rest by hand: paas run -a ${app.name} COMMAND`
      : `Before the next attempt: paas destroy -a ${app.name} --confirm ${app.name}`,
  })
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}
