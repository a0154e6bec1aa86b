import { execFile, execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Clock ticks per second in /proc (proc_pid_stat(5)); the same on every Linux of today. */
const ticks = 100

/** Connections that the load generator keeps busy. */
const connections = 64

/**
 * Installs the Debian packages of the commands that are missing.
 * @param packages command → package
 */
export async function ensureInstalled(packages: Record<string, string>): Promise<void> {
  const missing = Object.entries(packages).flatMap(([command, name]) => (isThere(command) ? [] : [name]))
  if (missing.length === 0) return
  if (process.getuid?.() !== 0) throw new Error(`Missing for this measurement: apt-get install ${missing.join(' ')}`)
  process.stderr.write(`installing ${missing.join(', ')}\n`)
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
  await execute('apt-get', ['update', '-qq'], options)
  await execute('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], options)
}

function isThere(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' })
    return true
  } catch {
    return false // sh says so by its exit code
  }
}

/** Processor time that a process and its threads have used so far. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The second field, the name, may hold blanks; user and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticks
}

/** What the load asks for: plain or over TLS, whatever the certificate. */
export type Scheme = 'http' | 'https'

/** Requests answered with 200 in `seconds` under full load from the second core. @throws when one was not */
export async function generateLoad(port: number, seconds: number, scheme: Scheme = 'http'): Promise<number> {
  const { stdout } = await execute('taskset', [
    '-c',
    '1',
    'wrk',
    '--threads=1',
    `--connections=${connections}`,
    `--duration=${seconds}s`,
    '--header=Host: bench.localhost',
    `${scheme}://127.0.0.1:${port}/`,
  ])
  const failed = /Non-2xx or 3xx responses: \d+|Socket errors: .*/.exec(stdout)
  if (failed) throw new Error(`The proxy at port ${port} failed: ${failed[0]}`)
  return Number(/(\d+) requests in/.exec(stdout)?.[1])
}
