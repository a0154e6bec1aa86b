import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { lockFile } from '../../src/lock.ts'

const places = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'paas-tests')
const usual = { GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' }

type Programs = { directory: string; lack: string | undefined }

/**
 * Programs that tests need, made once, from the Go module proxy, for all that run tests as this user.
 * @param modules with their versions, which `name` has too
 * @returns where they are, and why they are not there
 */
export async function buildWithGo(name: string, modules: string[]): Promise<Programs> {
  const limits = { minutes: 10 }
  return makeWithGo(name, limits, (draft) => runGo(['install', ...modules], { env: { GOBIN: draft }, ...limits }))
}

/** As buildWithGo, for what takes more than an installation. @param make gets a directory that is not there yet */
export async function makeWithGo(
  name: string,
  limits: { minutes: number },
  make: (draft: string) => Promise<unknown>,
): Promise<Programs> {
  const directory = join(places, name)
  return { directory, lack: existsSync(directory) ? undefined : await build(directory, { name, limits, make }) }
}

/** @returns what it printed on stdout */
export async function runGo(
  argv: string[],
  { env, cwd, minutes }: { env?: Record<string, string>; cwd?: string; minutes: number },
): Promise<string> {
  const options = { env: { ...process.env, ...usual, ...env }, timeout: minutes * 60_000, ...(cwd && { cwd }) }
  return (await promisify(execFile)('go', argv, options)).stdout
}

type Making = { name: string; limits: { minutes: number }; make: (draft: string) => Promise<unknown> }

async function build(directory: string, { name, limits, make }: Making): Promise<string | undefined> {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' })
  } catch {
    return `${name} is built with Go, which is not installed`
  }
  await mkdir(places, { recursive: true })
  using lock = await lockFile(`${directory}.lock`, { wait: AbortSignal.timeout(limits.minutes * 60_000) })
  if (lock === undefined || existsSync(directory)) return undefined
  const draft = `${directory}.new`
  try {
    await make(draft)
    await rename(draft, directory)
    return undefined
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    return `${name} could not be built: ${String((cause as { stderr?: string }).stderr ?? cause).slice(0, 500)}`
  }
}
