import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { withStreams } from '../child-streams.ts'
import type { Running } from './child.ts'
import { redisHeartbeat } from './redis-heartbeat.ts'
import { running } from './role-process.ts'

type Place = { socket: string; directory: string; env: { PATH?: string | undefined }; prefix?: string[] }
type OnLog = (line: string) => void

/**
 * Starts the server's own Redis: on a Unix socket only, nothing listens on the network, with an
 * append-only file. One that cannot read that file, which a disk that failed may have left, is
 * started again without it: the queue is made again from the database. The kernel kills it with the
 * supervisor (PR_SET_PDEATHSIG, prctl(2)), so that two never write to one file.
 */
export async function startRedis(place: Place, onLog: OnLog): Promise<Running> {
  let isDamaged = false
  const start = (): Promise<Running> =>
    launch(place, (line) => {
      onLog(line)
      isDamaged ||= unreadable.test(line)
    })
  const ready = Promise.withResolvers<void>()
  let current = await start()
  const startAgain = async (reason: string): Promise<string> => {
    if (!isDamaged) return reason
    try {
      setAside(place.directory)
      onLog('the append-only file cannot be read: moved to appendonlydir.damaged, starting with an empty one')
      current = await start()
    } catch (cause) {
      onLog(`the append-only file cannot be moved: ${String(cause)}`)
      return reason
    }
    void current.ready.then(ready.resolve)
    return current.ended
  }
  void current.ready.then(ready.resolve)
  const ended = current.ended.then(startAgain)
  return {
    get pid() {
      return current.pid
    },
    ready: ready.promise,
    ended,
    heartbeat: redisHeartbeat(place.socket),
    signal: (name) => current.signal(name),
    release: () => current.release(),
  }
}

/** What Redis says of its files before it gives up (aof.c, rdb.c). */
const unreadable = /Bad file format|Unexpected end of file|AOF manifest|Unrecoverable error/i

function setAside(directory: string): void {
  rmSync(join(directory, 'appendonlydir.damaged'), { recursive: true, force: true })
  renameSync(join(directory, 'appendonlydir'), join(directory, 'appendonlydir.damaged'))
}

async function launch({ socket, directory, env, prefix = [] }: Place, onLog: OnLog): Promise<Running> {
  rmSync(socket, { force: true })
  // Set last, since changing the user clears the signal (prctl(2)).
  const bound = ['setpriv', '--pdeathsig', 'KILL', 'redis-server', ...settings(socket, directory)]
  const [program = '', ...command] = [...prefix, ...bound]
  const child = withStreams(
    spawn(program, command, { stdio: ['ignore', 'pipe', 'inherit'], detached: true, env: { PATH: env.PATH } }),
  )
  const lines = createInterface({ input: child.stdout })
  const allRead = once(lines, 'close')
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      onLog(line)
      if (/ready to accept connections/i.test(line)) resolve()
    })
  })
  const redis = await running(child, ready)
  return { ...redis, ended: Promise.all([redis.ended, allRead]).then(([reason]) => reason) }
}

function settings(socket: string, directory: string): string[] {
  return Object.entries({
    port: '0',
    unixsocket: socket,
    unixsocketperm: '770',
    dir: directory,
    appendonly: 'yes',
    appendfsync: 'everysec',
    // The queue must never lose a job to make room (BullMQ asks for this).
    'maxmemory-policy': 'noeviction',
    save: '',
    daemonize: 'no',
  }).flatMap(([name, value]) => [`--${name}`, value])
}
