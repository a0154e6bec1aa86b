import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { BoundSocket, connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { openDataDirectory } from '../../src/data-directory.ts'
import { lockFile } from '../../src/lock.ts'
import { openStore } from '../../src/store/open.ts'
import { until } from '../helpers/app.ts'
import { commandLine } from '../helpers/processes.ts'
import { SupervisedServer } from './supervised-server.ts'
import { Visitors } from './visitors.ts'

const isGone = (pid: number) => commandLine(pid) === ''

/** The server has something to lose: a record with its key. */
function makeRecord({ data }: SupervisedServer): { key: string } {
  const key = join(data, 'key')
  openStore({ path: join(data, 'paas.db'), keyPath: key })[Symbol.dispose]()
  return { key }
}

/** @returns the answer to a request that is made now, whenever that comes */
async function ask({ port }: SupervisedServer): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end('GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n')
  return text(socket)
}

describe('a restart', () => {
  it('by SIGTERM and a start, twice in a row, loses no request', async () => {
    await using server = await SupervisedServer.start()
    const visitors = new Visitors(server.port)
    for (let i = 0; i < 2; i++) {
      await visitors.more(100)
      const router = server.pidOf('router.ts')
      expect(await server.end('SIGTERM')).toBe(0)
      expect(server.output).toContain(
        `paas: the router (pid ${router}) keeps serving the apps until a server is started, for 60 s at most. To stop it: kill ${router}`,
      )
      await visitors.more(100)
      await server.start()
      expect(server.output).toContain('ready ')
      expect(server.pidOf('router.ts')).not.toBe(router)
    }
    await visitors.more(100)
    expect((await visitors.stop()).failures).toEqual([])
  })

  it('in the midst of a start loses no request', async () => {
    await using server = await SupervisedServer.start()
    const visitors = new Visitors(server.port)
    for (let i = 0; i < 2; i++) {
      await server.end('SIGTERM')
      void server.start()
      await until('the next router is there', async () => server.child('router.ts'))
    }
    await server.end('SIGTERM')
    await server.start()
    await visitors.more(100)
    expect((await visitors.stop()).failures).toEqual([])
  })

  it('after kill -9, with other settings, loses no request', async () => {
    await using server = await SupervisedServer.start()
    const visitors = new Visitors(server.port)
    const router = server.pidOf('router.ts')
    await server.end('SIGKILL')
    await server.start({ PAAS_DOMAIN: 'paas.example.com' })
    await visitors.more(100)
    expect((await visitors.stop()).failures).toEqual([])
    await until('the router before ended', async () => isGone(router))
  })

  it('by a server that takes over, twice in a row, loses no request; one that is not told to is refused', async () => {
    await using server = await SupervisedServer.start({ PAAS_HANDOVER: '0' })
    makeRecord(server)
    const visitors = new Visitors(server.port)
    await using second = await SupervisedServer.prepare(server)
    await second.start()
    expect(second.output).toContain('npm start -- --take-over')
    expect(await second.end('SIGTERM')).toBe(1)
    await second.start({}, '--take-over')
    expect(second.output).toContain(`paas: the server with pid ${server.pid} is stopping;`)
    expect(second.output).toContain('ready ')
    expect(await server.end('SIGTERM')).toBe(0)
    await server.start({}, '--take-over')
    expect(server.output).toContain('ready ')
    await visitors.more(100)
    expect((await visitors.stop()).failures).toEqual([])
  })
})

describe('a router', () => {
  it('that is killed again and again costs its own connections only; others wait for the next', async () => {
    await using server = await SupervisedServer.start()
    const visitors = new Visitors(server.port)
    const kills = 5
    for (let i = 0; i < kills; i++) {
      await visitors.more(50)
      process.kill(server.pidOf('router.ts'), 'SIGKILL')
      await until('it ended', async () => (server.output.match(/router +was killed/g) ?? []).length > i)
      expect(await ask(server)).toMatch(/^HTTP\/1.1 404 /)
    }
    await visitors.more(50)
    const { failures } = await visitors.stop()
    expect(failures.filter((code) => !['ECONNRESET', 'EPIPE'].includes(code))).toEqual([])
    expect(failures.length).toBeLessThanOrEqual(kills * visitors.lanes)
  })

  it('listens at sockets that systemd holds, where connections wait even when nobody is left', async () => {
    await using server = await SupervisedServer.prepare()
    using socket = new BoundSocket({ port: server.port, host: '::' })
    server.sockets = [socket.fd()]
    await server.start()
    const router = server.pidOf('router.ts')
    await server.end('SIGKILL')
    process.kill(router, 'SIGKILL')
    await until('it ended', async () => isGone(router))
    const answer = ask(server)
    await server.start()
    expect(await answer).toMatch(/^HTTP\/1.1 404 /)
  })

  it('ends by itself when no server is started within PAAS_HANDOVER', async () => {
    await using server = await SupervisedServer.start({ PAAS_HANDOVER: '1' })
    const router = server.pidOf('router.ts')
    await server.end('SIGTERM')
    await until('it ended', async () => isGone(router))
    expect(server.log().map(({ reason }) => reason)).toContain('no other router took over within 1 s')
  })

  it.each([
    { when: 'at SIGTERM where PAAS_HANDOVER is 0', env: { PAAS_HANDOVER: '0' }, signals: ['SIGTERM'] },
    { when: 'at Ctrl-C after SIGTERM', env: {}, signals: ['SIGTERM', 'SIGINT'] },
  ])('ends with its server $when', async ({ env, signals }) => {
    await using server = await SupervisedServer.start(env as Record<string, string>)
    const router = server.pidOf('router.ts')
    for (const signal of signals) process.kill(server.pid, signal)
    expect(await server.end('SIGTERM')).toBe(0)
    expect(isGone(router)).toBe(true)
  })
})

describe('a start that fails', () => {
  it('ends no router that serves, and takes its time limit away', async () => {
    await using server = await SupervisedServer.start()
    const { key } = makeRecord(server)
    const visitors = new Visitors(server.port)
    const router = server.pidOf('router.ts')
    const servesOn = (pid: number) =>
      `paas: the router (pid ${pid}) keeps serving the apps until a server is started. To stop it: kill ${pid}`
    await server.end('SIGTERM')

    await server.start({ PAAS_HTTPS_PORT: 'many' })
    expect(server.output).toContain('(settings_invalid)')
    expect(server.output).toContain(servesOn(router))

    rmSync(key)
    await server.start()
    expect(server.output).toContain('(data_key_wrong)')
    expect(server.output).toContain(servesOn(router))
    rmSync(join(server.data, 'paas.db'))

    await server.start({ TEST_API_FAILS: 'yes' })
    const next = (await server.routerPid()) ?? 0
    expect(next).not.toBe(router)
    expect(server.output).toContain(servesOn(next))

    await visitors.more(100)
    expect((await visitors.stop()).failures).toEqual([])
  })

  it('ends no server that it was to take over from', async () => {
    await using server = await SupervisedServer.start()
    const { key } = makeRecord(server)
    rmSync(key)
    await using second = await SupervisedServer.prepare(server)
    await second.start({}, '--take-over')
    expect(second.output.trim().split('\n').at(-1)).toContain('(data_key_wrong)')
    expect(second.output).not.toContain('keeps serving the apps until')
    expect(server.output).not.toContain('stopping')
    expect(await server.serves()).toBe(true)
  })

  it('ends no process that merely has the pid of a server in another container', async () => {
    await using server = await SupervisedServer.prepare()
    const config = loadConfig({ PAAS_DATA: server.data })
    openDataDirectory(config)
    using lock = await lockFile(config.paths.lock)
    const other = spawn('sleep', ['600'], { stdio: 'ignore' })
    lock?.describe(String(other.pid))
    await server.start({}, '--take-over')
    expect(server.output).toMatch(/runs in another container.*\(data_directory_in_use\)/)
    expect(other.exitCode ?? other.signalCode).toBeNull()
    other.kill()
  })
})
