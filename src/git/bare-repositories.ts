import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { simpleGit, type SimpleGit } from 'simple-git'
import { explainMissingStreams } from '../child-streams.ts'
import { PaasError } from '../errors.ts'
import type { AppId, BuildId } from '../model/ids.ts'
import { archive } from './archive.ts'
import { newPrefix } from './leftovers.ts'
import { draftPrefix, takeTarball } from './take-tarball.ts'
import { gitEnvironment } from './environment.ts'
import { startGit } from './git-command.ts'
import type { Repositories } from '../model/repositories.ts'
import { roomIn, bytesOfRepository } from './repository-size.ts'
import { keptBuilds, writeConfiguration } from './repository-config.ts'
import type { SourceLimits } from '../model/source.ts'
import { inspectTree } from './tree.ts'

export type RepositoriesDeps = {
  /** `paths.repositories` */
  directory: string
  limits: SourceLimits & { packBytes: number; repositoryBytes: number }
  /** Only tests have others. */
  hooks?: string
}

/** For what takes a moment. */
const never = new AbortController().signal

/** What is made in a repository belongs to its group, whichever role makes it. */
const sharedByGroup = 0o2770

/** The hooks of this project. */
const ownHooks = resolve(import.meta.dirname, '../../hooks')

/** The bare repositories in `directory`, each named by its app's id. */
export function createRepositories({ directory, limits, hooks = ownHooks }: RepositoriesDeps): Repositories {
  const pathOf = (appId: AppId): string => join(directory, `${uuid(appId)}.git`)
  const settings = { packBytes: limits.packBytes, hooks }
  return {
    async ensure(appId) {
      const path = pathOf(appId)
      if (!existsSync(path)) await create(directory, path)
      await writeConfiguration(path, settings)
      return path
    },
    async remove(appId) {
      await rm(pathOf(appId), { recursive: true, force: true })
    },
    inspect: async (appId, commit, signal) => inspectTree(pathOf(appId), hex(commit), limits, signal),
    archive: async (appId, commit, signal) => archive(pathOf(appId), hex(commit), limits, signal),
    async importTarball(appId, buildId, tarball, signal) {
      // It may fail before it is read; the error then goes to the reader.
      tarball.bytes.on('error', () => undefined)
      const path = await this.ensure(appId)
      const most = limits.repositoryBytes
      const room = { left: await roomIn(path, most, signal), most }
      const draft = join(directory, `${draftPrefix}${uuid(buildId)}`)
      return takeTarball({ path, draft, keptRef: keptRef(buildId), limits, room }, tarball, signal)
    },
    async bytesOf(appIds) {
      const sizes = await Promise.all(appIds.map((appId) => bytesOfRepository(pathOf(appId))))
      return sizes.reduce((sum, size) => sum + size, 0)
    },
    async keep(appId, buildId, commit) {
      await updateRef(pathOf(appId), keptRef(buildId), hex(commit))
    },
    async release(appId, buildId) {
      if (!existsSync(pathOf(appId))) return
      await updateRef(pathOf(appId), '-d', keptRef(buildId))
    },
    async resolve(appId, ref) {
      if (!existsSync(pathOf(appId))) return undefined
      return (await commitOf(pathOf(appId), ref)) ?? undefined
    },
    async tree(appId, commit) {
      const tree = await objectOf(pathOf(appId), `${hex(commit)}^{tree}`)
      if (tree === null) throw new PaasError('internal', `The commit ${commit} is not in the repository.`)
      return tree
    },
    async countTags(appId) {
      const listing = startGit(pathOf(appId), ['for-each-ref', '--format=%(refname)', 'refs/tags'], never)
      listing.stdin.end()
      const names = await text(listing.stdout)
      await listing.done
      return names.split('\n').length - 1
    },
    moveRef: async (appId, ref, commit, previous) =>
      moveRef(pathOf(appId), { ref, commit: commit && hex(commit), previous }),
  }
}

/** Made beside its place and then renamed, so that no half-made repository is ever used. */
async function create(directory: string, path: string): Promise<void> {
  const draft = await mkdtemp(join(directory, newPrefix))
  try {
    await chmod(draft, sharedByGroup)
    await run(draft, 'init', '--bare', '--quiet', '--template=', '--initial-branch=main', '.')
    await rename(draft, path)
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    if (!existsSync(path)) throw cause
  }
}

type Move = { ref: string; commit: string | null; previous: string | null }

async function moveRef(path: string, { ref, commit, previous }: Move): Promise<boolean> {
  const from = previous === null ? '0'.repeat(40) : hex(previous)
  try {
    await updateRef(path, ...(commit === null ? ['-d', ref] : [ref, commit]), from)
  } catch (cause) {
    const now = await commitOf(path, ref)
    if (now === previous) throw cause
    return now === commit
  }
  if (commit !== null) await pointHead(path, ref)
  return true
}

/**
 * On the path of every push, where simple-git would wait 50 ms more for a command that prints
 * nothing.
 */
async function updateRef(path: string, ...argv: string[]): Promise<void> {
  const { stdin, stdout, done } = startGit(path, ['update-ref', ...argv], never)
  stdin.end()
  stdout.resume()
  await done
}

/** A clone checks out the branch that deploys. */
async function pointHead(path: string, ref: string): Promise<void> {
  if ((await readFile(join(path, 'HEAD'), 'utf8')).trim() === `ref: ${ref}`) return
  await run(path, 'symbolic-ref', 'HEAD', ref)
}

/** The commit that a ref or an object id names; null if it does not exist. */
function commitOf(path: string, revision: string): Promise<string | null> {
  return objectOf(path, `${revision}^{commit}`)
}

async function objectOf(path: string, revision: string): Promise<string | null> {
  const reading = startGit(path, ['cat-file', '--batch-check=%(objectname)'], never)
  reading.stdin.end(`${revision.replaceAll('\n', ' ')}\n`)
  const answer = await text(reading.stdout)
  await reading.done
  return /^[0-9a-f]{40}(?=\n$)/.exec(answer)?.[0] ?? null
}

async function run(path: string, ...argv: string[]): Promise<void> {
  try {
    await git(path).raw(...argv)
  } catch (cause) {
    throw explainMissingStreams(cause)
  }
}

function git(path: string): SimpleGit {
  const environment = { ...gitEnvironment(), GIT_DIR: path }
  // All arguments are ours: /dev/null for the user's settings, and no template, so no sample hooks
  // in every repository.
  const unsafe = { allowUnsafeConfigPaths: true, allowUnsafeTemplateDir: true, allowUnsafeConfigEnvCount: true }
  return simpleGit({ baseDir: path, allowEnvironment: Object.keys(environment), unsafe }).env(environment)
}

function keptRef(buildId: BuildId): string {
  return `${keptBuilds}/${uuid(buildId)}`
}

/** Ids become paths and refs here, so anything else is refused. */
function uuid(id: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id
  throw new PaasError('internal', `${JSON.stringify(id)} is not an id.`)
}

function hex(commit: string): string {
  if (/^[0-9a-f]{40}$/.test(commit)) return commit
  throw new PaasError('bad_request', `${JSON.stringify(commit.slice(0, 80))} is not a commit: 40 hex digits.`)
}
