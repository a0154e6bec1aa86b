import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { define, defineForApp, type AppOptions } from '../command.ts'
import { cloneRepository, connectRepository, isRepository, howToDeploy } from '../repository.ts'
import { note, print } from '../output.ts'
import type { AppJson } from '../resources/apps.ts'
import { tokenFor } from '../server.ts'
import { connectToApp, usualRemote } from '../session.ts'
import { PaasError } from '../../errors.ts'

export function defineGit(program: Command): void {
  defineForApp(program, {
    name: 'git:remote',
    summary: 'connect the current git repository to an app',
    details:
      'Adds the git remote "paas", or changes it to this app, and sets up git so that it never asks for a password.',
    examples: ['paas git:remote -a acme', 'paas git:remote -a acme-staging -r staging'],
  }).action(connectRemote)

  defineForApp(program, {
    name: 'git:clone',
    arguments: '[directory]',
    summary: 'clone the git repository of an app',
    details: 'The default directory has the name of the app. The git remote "paas" points to the app.',
    examples: ['paas git:clone -a acme', 'paas git:clone -a acme work/shop'],
  }).action(clone)

  define(program, {
    name: 'git:credentials',
    arguments: '<operation>',
    summary: 'git credential helper; git runs it',
    details:
      "It speaks git's credential protocol on stdin and stdout: get prints the password, store and erase do nothing.",
    examples: ["git config credential.http://localhost:8080.helper '!paas git:credentials'"],
  }).action(answerGit)
}

async function connectRemote(options: AppOptions): Promise<void> {
  if (!(await isRepository())) {
    throw new PaasError('repository_missing', 'There is no git repository in the current directory.', {
      hint: 'Create one with: git init',
    })
  }
  const { api, path } = await connectToApp(options)
  const { name } = await api.get<AppJson>(path)
  const remote = options.remote ?? usualRemote
  await connectRepository(remote, { server: api.server.url, app: name })
  note(`The git remote "${remote}" points to ${name}. ${await howToDeploy(remote)}`)
  print(options, { remote, url: `${api.server.url}/${name}.git` }, ({ url }) => url)
}

async function clone(directory: string | undefined, options: AppOptions): Promise<void> {
  const { api, path } = await connectToApp(options)
  const { name } = await api.get<AppJson>(path)
  const into = directory ?? name
  await cloneRepository(options.remote ?? usualRemote, { server: api.server.url, app: name }, into)
  note(`Deploy it from there with: git push ${options.remote ?? usualRemote} HEAD:main`)
  print(options, { app: name, directory: into }, () => into)
}

/** gitcredentials(7): attributes as `key=value` lines; no answer means that git asks elsewhere. */
async function answerGit(operation: string): Promise<void> {
  if (operation !== 'get') return
  const asked = new Map((await text(process.stdin)).split('\n').map(splitAttribute))
  const token = tokenFor(`${asked.get('protocol')}://${asked.get('host')}`)
  if (token !== undefined) process.stdout.write(`username=paas\npassword=${token}\n`)
}

function splitAttribute(line: string): [string, string] {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}
