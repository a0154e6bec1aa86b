import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { isInstalled } from './process.ts'

const execute = promisify(execFile)

/** Clock ticks per second in /proc (proc_pid_stat(5)); the same on every Linux of today. */
const ticks = 100

/**
 * Installs the Debian packages of the commands that are missing.
 * @param packages command → package
 */
export async function ensureInstalled(packages: Record<string, string>): Promise<void> {
  const missing = Object.entries(packages).flatMap(([command, name]) => (isInstalled(command) ? [] : [name]))
  if (missing.length === 0) return
  if (process.getuid?.() !== 0) throw new Error(`Missing for this measurement: apt-get install ${missing.join(' ')}`)
  process.stderr.write(`installing ${missing.join(', ')}\n`)
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
  await execute('apt-get', ['update', '-qq'], options)
  await execute('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], options)
}

/** Processor time that a process and its threads have used so far. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The second field, the name, may hold blanks; user and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticks
}

/** A full load from the second core: how many requests were answered in `seconds`. @throws when one failed */
export type Load = (port: number, seconds: number) => Promise<number>

/** Small answers over 64 kept connections. */
export const smallAnswers: Load = (port, seconds) => wrk(['--connections=64'], `http://127.0.0.1:${port}/`, seconds)

/** The same over TLS, whatever the certificate. */
export const smallAnswersOverTls: Load = (port, seconds) =>
  wrk(['--connections=64'], `https://127.0.0.1:${port}/`, seconds)

/** A connection for each request, 64 at once. */
export const newConnections: Load = (port, seconds) =>
  wrk(['--connections=64', '--header=Connection: close'], `http://127.0.0.1:${port}/`, seconds)

/** Bodies of 1 MiB over 16 kept connections. */
export const uploads: Load = (port, seconds) =>
  wrk(['--connections=16', `--script=${script('upload.lua')}`], `http://127.0.0.1:${port}/`, seconds)

/** Messages of 64 bytes that come back, over 64 WebSockets. */
export const webSockets: Load = async (port, seconds) => {
  const { stdout } = await onSecondCore(process.execPath, [script('echo-load.ts'), String(port), String(seconds)])
  return Number(stdout)
}

async function wrk(options: string[], url: string, seconds: number): Promise<number> {
  return (await runWrk({ options, url, seconds, host: 'bench.localhost' })).requests
}

/** Quantiles of latency in milliseconds. */
export type Carried = { requests: number; p50: number; p99: number }

type WrkOptions = { options: string[]; url: string; seconds: number; host: string }

/** Requests that were answered in `seconds`, under full load from the second core. @throws when one failed */
export async function runWrk({ options, url, seconds, host }: WrkOptions): Promise<Carried> {
  const fixed = ['--threads=1', `--duration=${seconds}s`, '--latency', `--header=Host: ${host}`]
  const { stdout } = await onSecondCore('wrk', [...fixed, ...options, url])
  const failed = /Non-2xx or 3xx responses: \d+|Socket errors: .*/.exec(stdout)
  if (failed) throw new Error(failed[0])
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1])
  return { requests, p50: quantile(stdout, 50), p99: quantile(stdout, 99) }
}

const millisecondsPer: Record<string, number> = { us: 0.001, ms: 1, s: 1000 }

function quantile(output: string, percent: number): number {
  const [, value, unit = ''] = new RegExp(`^ +${percent}% +([\\d.]+)(us|ms|s)`, 'm').exec(output) ?? []
  return Number(value) * (millisecondsPer[unit] ?? NaN)
}

function onSecondCore(command: string, argv: string[]): Promise<{ stdout: string }> {
  return execute('taskset', ['-c', '1', command, ...argv])
}

function script(name: string): string {
  return resolve(import.meta.dirname, name)
}
