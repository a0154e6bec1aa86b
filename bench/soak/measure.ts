import { execFile } from 'node:child_process'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { promisify } from 'node:util'
import type { Stage } from './stage.ts'
import { rolePid } from '../../test/helpers/processes.ts'

/** Of a role: whether its garbage is collected first, and a directory for a snapshot of its heap. */
export type Request = { collect: boolean; snapshot?: string }

/** Bytes: all that V8 knows of, and, once the garbage is collected, of JavaScript's objects and of buffers and the like outside of it. */
type Figures = { managed: number; heap: number; external: number }

const run = promisify(execFile)
const mebibyte = 2 ** 20

/** Everything that could grow, by name, in the units of `growth`. What is just being started again is left out. */
export async function measure({ server, probes }: Stage, request: Request): Promise<Record<string, number>> {
  const parts = await Promise.all([
    ...(await readdir(probes)).map((name) => measureRole(join(probes, name), name, request)),
    measureRedis(server.pid),
    measureFiles(server.dataDirectory),
    measureEngine((await server.serverId()) ?? ''),
  ])
  return Object.assign({}, ...parts) as Record<string, number>
}

async function measureRole(socketPath: string, name: string, request: Request): Promise<Record<string, number>> {
  const [role = '', pid = ''] = name.split('-')
  const label = role === 'server' ? 'supervisor' : role
  try {
    // Before the garbage is collected.
    const { anonymous, ...used } = await measureProcess(Number(pid))
    const { managed, heap, external } = await ask(socketPath, request)
    const native = anonymous - managed / mebibyte
    return named(label, { ...used, heap: heap / mebibyte, external: external / mebibyte, native })
  } catch (cause) {
    const gone = ['ENOENT', 'ECONNREFUSED', 'ESRCH', 'ECONNRESET'].includes((cause as NodeJS.ErrnoException).code ?? '')
    // One that is killed while it answers says nothing.
    if (!gone && !(cause instanceof SyntaxError)) throw cause
    await rm(socketPath, { force: true })
    return {}
  }
}

function ask(socketPath: string, request: Request): Promise<Figures> {
  const socket = connect(socketPath)
  socket.write(JSON.stringify(request))
  return json(socket) as Promise<Figures>
}

async function measureRedis(supervisor: number): Promise<Record<string, number>> {
  try {
    const { anonymous: _, ...used } = await measureProcess(rolePid(supervisor, 'redis'))
    return named('redis', used)
  } catch {
    return {} // it was killed a moment ago
  }
}

/** Memory in MiB; `anonymous` is of no file. */
async function measureProcess(pid: number) {
  const [status, descriptors] = await Promise.all([readFile(`/proc/${pid}/status`, 'utf8'), readdir(`/proc/${pid}/fd`)])
  return {
    rss: field(status, 'VmRSS') / 1024,
    anonymous: field(status, 'RssAnon') / 1024,
    descriptors: descriptors.length,
    threads: field(status, 'Threads'),
  }
}

function named(label: string, values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${label} ${name}`, value]))
}

/** proc_pid_status(5) */
function field(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
}

async function measureFiles(directory: string): Promise<Record<string, number>> {
  const names = await readdir(directory, { recursive: true })
  const wal = await stat(join(directory, 'paas.db-wal')).catch(() => ({ size: 0 }))
  return { 'data files': names.length, 'database wal': wal.size / mebibyte }
}

async function measureEngine(serverId: string): Promise<Record<string, number>> {
  const label = ['--quiet', '--filter', `label=paas.server=${serverId}`]
  const [containers, images] = await Promise.all([
    run('docker', ['ps', '--all', ...label]),
    run('docker', ['images', ...label]),
  ])
  return { 'engine containers': count(containers.stdout), 'engine images': count(images.stdout) }
}

function count(lines: string): number {
  return new Set(lines.split('\n').filter(Boolean)).size
}
