import { execFile, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { PaasError } from '../errors.ts'

const execute = promisify(execFile)

/** The app and the server a git remote of ours leads to. */
export type AppRemote = { server: string; app: string }

/** The remote's app, or undefined: no repository here, no such remote, or not a URL of ours. */
export async function readRemote(name: string): Promise<AppRemote | undefined> {
  const url = await ask('config', '--get', `remote.${name}.url`)
  return url === undefined ? undefined : parseRemote(url)
}

/** `http://localhost:8080/acme.git` → the app acme of that server. */
export function parseRemote(url: string): AppRemote | undefined {
  const [, scheme, host, app] = /^(https?):\/\/(?:[^@/]*@)?([^/@]+)\/([a-z0-9-]+?)(?:\.git)?\/?$/.exec(url) ?? []
  if (scheme === undefined || host === undefined || app === undefined) return undefined
  return { server: `${scheme}://${host}`, app }
}

export async function isRepository(): Promise<boolean> {
  return (await ask('rev-parse', '--git-dir')) !== undefined
}

/**
 * Points the remote at the app, adding it if there is none, and lets git get its password from this
 * command.
 */
export async function connectRepository(remote: string, { server, app }: AppRemote): Promise<void> {
  const url = `${server}/${app}.git`
  const exists = (await ask('config', '--get', `remote.${remote}.url`)) !== undefined
  await git('remote', exists ? 'set-url' : 'add', remote, url)
  await useCredentialHelper(server)
}

/**
 * What to do once the remote is there. For a repository with SHA-256, git itself only says
 * "unexpected capabilities" when it pushes, and the server cannot tell such a client from others.
 */
export async function howToDeploy(remote: string): Promise<string> {
  if ((await ask('rev-parse', '--show-object-format')) !== 'sha256') return `Deploy with: git push ${remote} HEAD:main`
  return 'But it cannot be pushed: it uses SHA-256, and the server accepts SHA-1. Create one with: git init --object-format=sha1'
}

export async function disconnectRepository(remote: string): Promise<void> {
  await git('remote', 'remove', remote)
}

/**
 * Clones an app, with the remote leading to it, and git getting its password from this command.
 * @throws git_failed
 */
export async function cloneRepository(remote: string, { server, app }: AppRemote, directory: string): Promise<void> {
  const { key, helper } = credentialHelper(server)
  const settings = ['-c', `${key}=`, '-c', `${key}=${helper}`]
  const argv = ['clone', '--origin', remote, ...settings, '--', `${server}/${app}.git`, directory]
  const child = spawn('git', argv, { stdio: ['inherit', process.stderr, 'inherit'] })
  const code = await new Promise<number | string | null>((ended) => {
    child.on('close', ended).on('error', ({ message }) => ended(message))
  })
  if (code !== 0) throw new PaasError('git_failed', `git clone failed: ${code === null ? 'it was killed' : code}.`)
}

async function useCredentialHelper(server: string): Promise<void> {
  const { key, helper } = credentialHelper(server)
  await git('config', '--replace-all', key, '')
  await git('config', '--add', key, helper)
}

/**
 * Only this command answers for the server: an empty value before it drops the helpers of the
 * user's other configuration (gitcredentials(7)), so that none of them keeps a copy of the token.
 */
function credentialHelper(server: string): { key: string; helper: string } {
  const command = resolve(import.meta.dirname, '../../bin/paas').replaceAll("'", String.raw`'\''`)
  return { key: `credential.${server}.helper`, helper: `!'${command}' git:credentials` }
}

/** @throws git_failed with git's own last line */
async function git(...argv: string[]): Promise<string> {
  try {
    return (await execute('git', argv)).stdout.trimEnd()
  } catch (cause) {
    const said =
      cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim().split('\n').at(-1) : undefined
    throw new PaasError('git_failed', `git ${argv.slice(0, 2).join(' ')} failed: ${said || 'git cannot be run'}.`, {
      cause,
    })
  }
}

/**
 * Undefined where git has no answer: it exits non-zero for a missing key and outside a repository.
 */
async function ask(...argv: string[]): Promise<string | undefined> {
  try {
    return (await execute('git', argv)).stdout.trimEnd()
  } catch {
    return undefined
  }
}
