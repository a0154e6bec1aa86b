import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Running } from './child.ts'
import { running } from './role-process.ts'

/**
 * Starts the server's own Redis: on a Unix socket only, nothing listens on the network, with an append-only file.
 * The kernel kills it with the supervisor (PR_SET_PDEATHSIG, prctl(2)), so that two never write to one file.
 */
export function startRedis(
  { socket, directory, env }: { socket: string; directory: string; env: { PATH?: string | undefined } },
  onLog: (line: string) => void,
): Promise<Running> {
  rmSync(socket, { force: true })
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'redis-server', ...settings(socket, directory)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
    env: { PATH: env.PATH },
  })
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      onLog(line)
      if (/ready to accept connections/i.test(line)) resolve()
    })
  })
  return running(child, ready)
}

function settings(socket: string, directory: string): string[] {
  return Object.entries({
    port: '0',
    unixsocket: socket,
    unixsocketperm: '700',
    dir: directory,
    appendonly: 'yes',
    appendfsync: 'everysec',
    // The queue must never lose a job to make room (BullMQ asks for this).
    'maxmemory-policy': 'noeviction',
    save: '',
    daemonize: 'no',
  }).flatMap(([name, value]) => [`--${name}`, value])
}
