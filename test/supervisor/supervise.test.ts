import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { appendFileSync, readdirSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { until } from '../helpers/app.ts'
import { childrenOf, commandLine } from '../helpers/processes.ts'
import { SupervisedServer } from './supervised-server.ts'

const run = promisify(execFile)

/** In the order of start; where root starts the server, a gate is in front of the engine. */
const gate = process.getuid?.() === 0 ? ['gate'] : []
const roles = ['router', 'redis', ...gate, 'worker', 'api']

const isGone = (pid: number) => commandLine(pid) === ''

describe('a server', () => {
  it('starts router, Redis, gate, worker and api, each ready before the next, then says so', async () => {
    await using server = await SupervisedServer.start()
    const started = server.output.match(/^ {2}\w+(?= +started)/gm)?.map((line) => line.trim())
    expect(started).toEqual(roles)
    expect(server.output).toMatch(/^ {2}worker {2}has something to say$/m)
    expect(server.output).toContain(`ready     http://localhost:${server.port}`)
    expect(server.output).toMatch(/export PATH=".*\/bin:\$PATH"\n {2}paas create\n {2}git push paas main/)
  })

  it('stops all roles in reverse order at Ctrl-C, the router last, and exits with 0', async () => {
    await using server = await SupervisedServer.start()
    const children = childrenOf(server.pid)
    expect(children).toHaveLength(roles.length)
    expect(await server.end('SIGINT')).toBe(0)
    const stops = server.log().filter(({ msg }) => msg === 'stopping' || msg.includes('User requested shutdown'))
    expect(stops.map(({ role }) => role)).toEqual(roles.toReversed())
    expect(children.filter((pid) => !isGone(pid))).toEqual([])
  })

  it('starts a role again that was killed, without touching the others', async () => {
    await using server = await SupervisedServer.start()
    const others = ['worker.ts', 'redis-server', 'router.ts'].map((name) => server.child(name))
    const api = server.pidOf('api.ts')
    process.kill(api, 'SIGKILL')
    await server.says(/api +was killed by SIGKILL; restarting it/)
    await until('another api runs', async () => ![undefined, api].includes(server.child('api.ts')))
    expect(['worker.ts', 'redis-server', 'router.ts'].map((name) => server.child(name))).toEqual(others)
  })

  it('starts Redis again that was killed, with its data', async () => {
    await using server = await SupervisedServer.start()
    await redisSays(server, 'SET', 'kept', 'yes')
    process.kill(server.pidOf('redis-server'), 'SIGKILL')
    await server.says(/redis +was killed by SIGKILL[^]*redis +started/)
    expect(await redisSays(server, 'GET', 'kept')).toBe('yes')
  })

  it('ends and starts again what gives no sign of life, and nobody for the time that it was stopped itself', async () => {
    await using server = await SupervisedServer.prepare()
    await server.start({ TEST_SILENT_MS: '4000' })
    process.kill(server.pid, 'SIGSTOP')
    await sleep(5_000) // a time in which nobody was heard, longer than the limit
    process.kill(server.pid, 'SIGCONT')
    const before = childrenOf(server.pid)
    const stopped = ['redis-server', 'router.ts', 'api.ts', ...gate.map((name) => `${name}.ts`)]
    for (const name of stopped) process.kill(server.pidOf(name), 'SIGSTOP')
    process.kill(server.pidOf('worker.ts'), 'SIGUSR2') // turns in a circle from then on
    for (const name of roles) {
      await server.says(
        new RegExp(`${name} +gave no sign of life for 4 s; killing it[^]*${name} +was killed by SIGKILL`),
      )
    }
    await until(
      'all run again',
      async () => server.log().filter(({ msg }) => msg.endsWith(' ready')).length === 2 * roles.length,
    )
    const hung = server.log().flatMap(({ msg, pid = 0 }) => (msg.endsWith(' hung') ? [pid] : []))
    expect(new Set(hung)).toEqual(new Set(before))
    expect(hung).toHaveLength(roles.length)
    expect(await server.serves()).toBe(true)
    expect(childrenOf(server.pid)).toHaveLength(roles.length)
  })

  it('waits longer and longer before it starts a role that keeps dying, and goes on serving', async () => {
    await using server = await SupervisedServer.prepare()
    await server.start({ TEST_WORKER_LIVES_MS: '1' })
    await until('it died five times', async () => (server.output.match(/worker +exited/g) ?? []).length >= 5)
    const pauses = server.log().flatMap(({ msg, pauseMs }) => (msg === 'worker ended' ? [pauseMs] : []))
    expect(pauses.slice(0, 5)).toEqual([100, 200, 400, 800, 1600])
    expect(await server.serves()).toBe(true)
  })

  it('says why a role cannot start, stops what it had started and exits with 1', async () => {
    await using server = await SupervisedServer.prepare()
    await server.start({ TEST_API_FAILS: 'yes' })
    expect(server.output).toContain('paas: Settings: this is a test. Do nothing. (settings_invalid)')
    expect(await server.end('SIGTERM')).toBe(1)
    await expect(server.serves()).rejects.toThrow('ECONNREFUSED')
    expect(existsSync(join(server.data, 'run/redis/redis.sock'))).toBe(false)
  })

  it('points to its log when the failure is an inner one', async () => {
    await using server = await SupervisedServer.prepare()
    await server.start({ TEST_API_FAILS: 'inside' })
    expect(server.output).toContain(`The reason is in ${join(server.data, 'server.log')} (internal)`)
    expect(readFileSync(join(server.data, 'server.log'), 'utf8')).toContain('an inner failure')
  })

  it('refuses a data directory on which another server runs, and names its pid', async () => {
    await using server = await SupervisedServer.start()
    await using second = await SupervisedServer.prepare()
    await second.start({ PAAS_DATA: server.data })
    expect(second.output).toContain(`A server with pid ${server.pid} already runs on ${server.data}.`)
    expect(second.output).toContain('(data_directory_in_use)')
    expect(await second.end('SIGTERM')).toBe(1)
  })

  it('refuses a port that is in use in one line, and leaves nothing running', async () => {
    await using server = await SupervisedServer.prepare()
    const other = createServer().listen(server.port)
    await once(other, 'listening')
    await server.start()
    other.close()
    expect(server.output.trim().split('\n').at(-1)).toBe(
      `paas: Port ${server.port} cannot be used: another process listens on it. ` +
        'Set PAAS_HTTP_PORT and PAAS_HTTPS_PORT to free ports. (port_in_use)',
    )
    expect(existsSync(join(server.data, 'run/redis/redis.sock'))).toBe(false)
  })

  it('gives up its start at Ctrl-C', async () => {
    await using server = await SupervisedServer.prepare()
    const starting = server.start({ TEST_API_HANGS: 'yes' })
    await server.says(/worker +started/)
    await server.end('SIGINT')
    await starting
    expect(server.output).not.toContain('ready ')
    await expect(server.serves()).rejects.toThrow('ECONNREFUSED')
  })

  it('goes on when who read its output leaves, and stops in order', async () => {
    await using server = await SupervisedServer.start()
    const children = childrenOf(server.pid)
    server.leave()
    process.kill(server.pidOf('worker.ts'), 'SIGKILL')
    await until(
      'the worker runs again',
      async () => server.log().filter(({ msg }) => msg === 'worker ready').length > 1,
    )
    expect(await server.serves()).toBe(true)
    expect(await server.end('SIGINT')).toBe(0)
    expect(children.filter((pid) => !isGone(pid))).toEqual([])
  })

  it('uses the Redis it is told of and starts none', async () => {
    await using server = await SupervisedServer.start({ REDIS_URL: 'redis://127.0.0.1:1' })
    expect(server.output).not.toContain('redis')
    expect(server.child('redis-server')).toBeUndefined()
  })
})

describe('a supervisor that is killed', () => {
  it('takes Redis, worker and api with it and leaves the router serving', async () => {
    await using server = await SupervisedServer.start()
    const children = childrenOf(server.pid)
    const router = await server.routerPid()
    await server.end('SIGKILL')
    await until('all but the router are gone', async () => children.every((pid) => pid === router || isGone(pid)))
    expect(await server.routerPid()).toBe(router)
    expect(await server.serves()).toBe(true)
  })

  it('while it started the router leaves none behind', async () => {
    await using server = await SupervisedServer.prepare()
    const starting = server.start({ TEST_ROUTER_HANGS: 'yes' })
    const router = await until('the router process is there', async () => server.child('router.ts'))
    await server.end('SIGKILL')
    await starting
    await server.start()
    expect(server.output).toContain('ready ')
    await until('the half-started router ended', async () => isGone(router))
    expect(await server.serves()).toBe(true)
  })
})

describe("the server's Redis", () => {
  it('listens on a Unix socket only, for its owner and group', async () => {
    await using server = await SupervisedServer.start()
    const redis = server.pidOf('redis-server')
    const sockets = readFileSync(`/proc/${redis}/net/tcp`, 'utf8') + readFileSync(`/proc/${redis}/net/tcp6`, 'utf8')
    expect(sockets).not.toMatch(/:18EB /) // 6379, in /proc's hex
    expect(statSync(join(server.data, 'run/redis/redis.sock')).mode & 0o777).toBe(0o770)
    expect(existsSync(join(server.data, 'redis/appendonlydir'))).toBe(true)
  })

  it('begins anew when a disk that failed has left it a file that it cannot read, which is set aside', async () => {
    await using server = await SupervisedServer.start()
    await server.end('SIGTERM')
    const files = join(server.data, 'redis/appendonlydir')
    const [file = ''] = readdirSync(files).filter((name) => name.endsWith('.incr.aof'))
    appendFileSync(join(files, file), Buffer.alloc(4096))
    await server.start()
    expect(server.output).toMatch(/^ready /m)
    expect(server.output).toContain(`redis   started   pid ${server.pidOf('redis-server')}`)
    expect(readdirSync(`${files}.damaged`)).toContain(file)
  })
})

describe("the server's log", () => {
  it('is kept within bounds', async () => {
    await using server = await SupervisedServer.prepare()
    mkdirSync(server.data)
    await server.start()
    await server.end('SIGTERM')
    writeFileSync(join(server.data, 'server.log'), `${'x'.repeat(17 * 2 ** 20)}\n`)
    await server.start()
    expect(statSync(join(server.data, 'server.log.1')).size).toBe(17 * 2 ** 20 + 1)
    expect(statSync(join(server.data, 'server.log')).size).toBeLessThan(2 ** 20)
  })

  it('has what the roles say and what the supervisor does', async () => {
    await using server = await SupervisedServer.start()
    const writers = new Set(server.log().map(({ role }) => role))
    expect(writers).toEqual(new Set(['supervisor', ...roles]))
    expect(statSync(join(server.data, 'server.log')).mode & 0o777).toBe(0o600)
  })
})

/** What the server's Redis answers to a command. */
async function redisSays(server: SupervisedServer, ...command: string[]): Promise<string> {
  const { stdout } = await run('redis-cli', ['-s', join(server.data, 'run/redis/redis.sock'), ...command])
  return stdout.trim()
}
