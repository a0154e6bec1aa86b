import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { lockFile } from '../../src/lock.ts'

const places = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'paas-tests')

/**
 * Programs that tests need, made once, from the Go module proxy, for all that run tests as this user.
 * @param modules with their versions, which `name` has too
 * @returns where they are, and why they are not there
 */
export async function buildWithGo(
  name: string,
  modules: string[],
): Promise<{ directory: string; lack: string | undefined }> {
  const directory = join(places, name)
  return { directory, lack: existsSync(directory) ? undefined : await build(directory, { name, modules }) }
}

async function build(directory: string, { name, modules }: { name: string; modules: string[] }) {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' })
  } catch {
    return `${name} is built with Go, which is not installed`
  }
  await mkdir(places, { recursive: true })
  using lock = await lockFile(`${directory}.lock`, { wait: AbortSignal.timeout(600_000) })
  if (lock === undefined || existsSync(directory)) return undefined
  const draft = `${directory}.new`
  try {
    const env = { ...process.env, GOBIN: draft, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' }
    await promisify(execFile)('go', ['install', ...modules], { env, timeout: 600_000 })
    await rename(draft, directory)
    return undefined
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    return `${name} could not be built: ${String((cause as { stderr?: string }).stderr ?? cause).slice(0, 500)}`
  }
}
