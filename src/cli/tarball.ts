import { execFile, spawn } from 'node:child_process'
import { createReadStream, statSync } from 'node:fs'
import { PassThrough, type Readable } from 'node:stream'
import { promisify } from 'node:util'
import { PaasError } from '../errors.ts'

const execute = promisify(execFile)
const mostNames = 64 * 2 ** 20

/** A tarball on its way, and whether all went well once it has been read. */
export type Tarball = { bytes: Readable; done: Promise<void> }

/**
 * The files of a directory as a gzipped tarball. Of a git repository those that git has or would
 * add, as they are now; of any other directory all. The server leaves out what `.slugignore` names
 * of the source of a build.
 * @param at where the files are in the tarball
 * @throws git_failed
 */
export async function packDirectory(directory: string, at: '.' | './app' = '.'): Promise<Tarball> {
  const names = await listFiles(directory)
  const chosen = names === undefined ? ['--exclude=./.git', '.'] : ['--null', '--no-recursion', '-T', '-']
  const tar = spawn('tar', ['-czf', '-', ...placed(at), '-C', directory, ...chosen], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Without this, macOS adds files of its own.
    env: { ...process.env, COPYFILE_DISABLE: '1' },
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  tar.on('error', (cause) => reject(new PaasError('git_failed', `tar cannot be run: ${cause.message}.`, { cause })))
  tar.on('close', (code) => (code === 0 ? resolve() : reject(new PaasError('git_failed', `tar exited with ${code}.`))))
  tar.stdin.on('error', () => undefined)
  tar.stdin.end(names)
  // Piped at once: unread output of a process that has exited is discarded.
  const bytes = tar.stdout.pipe(new PassThrough())
  promise.catch((cause: unknown) => bytes.destroy(cause as Error))
  return { bytes, done: promise }
}

/** GNU's tar and BSD's, as macOS has it. The targets of symbolic links (S) stay as they are. */
function placed(at: string): string[] {
  if (at === '.') return []
  const change = `,^\\.,${at},S`
  return process.platform === 'linux' ? ['--transform', `s${change}`] : ['-s', change]
}

/** @throws usage */
export function readTarball(path: string): Tarball {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new PaasError('usage', `There is no file ${path}.`)
  }
  return { bytes: createReadStream(path), done: Promise.resolve() }
}

/**
 * What git calls the state of a directory: `1a2b3c4`, or `1a2b3c4-dirty`; undefined outside a
 * repository.
 */
export async function describeState(directory: string): Promise<string | undefined> {
  return (await git(directory, ['describe', '--always', '--dirty', '--exclude', '*']))?.trim()
}

/** Names that end with NUL, or undefined: not a repository. */
async function listFiles(directory: string): Promise<string | undefined> {
  const present = await git(directory, ['ls-files', '-z', '--cached', '--others', '--exclude-standard'])
  if (present === undefined) return undefined
  const deleted = new Set((await git(directory, ['ls-files', '-z', '--deleted']))?.split('\0'))
  const names = [...new Set(present.split('\0'))].filter((name) => name !== '' && !deleted.has(name))
  return names.map((name) => `./${name}\0`).join('')
}

async function git(directory: string, argv: string[]): Promise<string | undefined> {
  try {
    return (await execute('git', argv, { cwd: directory, maxBuffer: mostNames })).stdout
  } catch {
    return undefined // not a repository, or no git: the directory as it is
  }
}
