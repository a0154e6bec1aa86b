import { Agent, request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectRouterControl, connectRouterMeasurements, routerStatus } from '../../src/router/control/client.ts'
import { startApp, type TestApp } from '../router/helpers/apps.ts'
import { RawClient } from '../router/helpers/raw-client.ts'
import { route } from '../router/helpers/router.ts'
import { until } from '../helpers/app.ts'
import { commandLine } from '../helpers/processes.ts'
import { SupervisedServer } from './supervised-server.ts'

const get = 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n'
const isGone = (pid: number) => commandLine(pid) === ''

let server: SupervisedServer
let apps: CountingApp[]

beforeAll(async () => {
  server = await SupervisedServer.prepare()
  await server.start({ PAAS_ROUTER_PROCESSES: '2' })
  apps = [await countingApp(), await countingApp()]
}, 120_000)

afterAll(async () => {
  for (const { app } of apps) await app[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const control = () => connectRouterControl(join(server.data, 'run/router/control.sock'))
const statusOf = async (socket: string) => (await routerStatus(join(server.data, 'run/router', socket)))!
const pids = async () => (await statusOf('control.sock')).pids

describe('a router of two processes', () => {
  it('serves with both, and says what both have counted', async () => {
    await control().switchTo(route([apps[0]!]))
    const clients = await connectToBoth()
    const [all, second] = [await statusOf('control.sock'), await statusOf('control-2.sock')]
    expect(all.pids).toHaveLength(2)
    expect(second.counters.requests).toBeGreaterThan(0)
    expect(all.counters.requests).toBe(clients.length)
    const measurements = connectRouterMeasurements(join(server.data, 'run/figures/router.sock'))
    const statuses = async () => (await measurements.totals())?.apps['app-1']?.statuses
    await expect.poll(statuses).toEqual([0, clients.length, 0, 0, 0])
    const figures = await measurements.totals()
    expect(figures?.connections).toBe(clients.length)
    for (const client of clients) client.socket.destroy()
  })

  it('asks no dyno any more when a switch is done, and loses no request', async () => {
    const load = new Load(server.port)
    const late: number[] = []
    for (let i = 1; i <= 20; i++) {
      const [now, before] = [apps[i % 2]!, apps[(i + 1) % 2]!]
      await control().switchTo(route([now]))
      await control().drain([`t${before.port}`], 10_000)
      const { asked } = before
      await load.more(20)
      late.push(before.asked - asked)
    }
    expect(late).toEqual(late.map(() => 0))
    expect(await load.stop()).toEqual([])
  })

  it('of which one is killed loses that one’s connections only, and refuses none', async () => {
    const [, second] = await pids()
    const clients = await connectToBoth()
    const load = new Load(server.port)
    await load.more(20)
    process.kill(second!, 'SIGKILL')
    await until('the second one runs again', async () => {
      const now = await pids()
      return now.length === 2 && !now.includes(second!)
    })
    await Promise.all(clients.filter(({ closed }) => !closed).map((client) => client.send(get).until(/served/)))
    expect(clients.filter(({ closed }) => closed).length).toBeGreaterThan(0)
    expect(clients.filter(({ closed }) => !closed).length).toBeGreaterThan(0)
    await load.more(20)
    for (const failure of await load.stop()) expect(['ECONNRESET', 'EPIPE']).toContain(failure)
    for (const client of clients) client.socket.destroy()
  })

  it('of which the first is killed serves on, and is told of changes again', async () => {
    const [first] = await pids()
    const load = new Load(server.port)
    process.kill(first!, 'SIGKILL')
    await until('another first one runs', async () => {
      const now = await pids().catch(() => undefined)
      return now?.length === 2 && !now.includes(first!)
    })
    await control().switchTo(route([apps[1]!]))
    await control().drain([`t${apps[0]!.port}`], 10_000)
    const { asked } = apps[0]!
    await load.more(40)
    expect(apps[0]!.asked).toBe(asked)
    expect(await pids()).toHaveLength(2)
    for (const failure of await load.stop()) expect(['ECONNRESET', 'EPIPE']).toContain(failure)
  })

  it('is replaced without a failed request, also by one of one process', { timeout: 120_000 }, async () => {
    const load = new Load(server.port)
    for (const processes of ['1', '2']) {
      const before = await pids()
      await server.end('SIGTERM')
      expect(server.output).toContain(`To stop it: kill ${before.join(' ')}`)
      await load.more(20)
      await server.start({ PAAS_ROUTER_PROCESSES: processes })
      await load.more(20)
      await expect.poll(pids).toHaveLength(Number(processes))
      await until('those before ended', async () => before.every(isGone))
    }
    expect(await load.stop()).toEqual([])
  })
})

type CountingApp = { app: TestApp; port: number; asked: number }

/** Says `served` to all, and counts them. */
async function countingApp(): Promise<CountingApp> {
  const app = await startApp((_, response) => {
    counting.asked++
    response.end('served')
  })
  const counting = { app, port: app.port, asked: 0 }
  return counting
}

/** Connections of which each process has some. */
async function connectToBoth(): Promise<RawClient[]> {
  const before = (await statusOf('control-2.sock')).counters.connections
  const clients: RawClient[] = []
  for (;;) {
    clients.push(...(await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(server.port)))))
    await Promise.all(clients.slice(-8).map((client) => client.send(get).until(/served/)))
    for (const client of clients) client.received = ''
    const second = (await statusOf('control-2.sock')).counters.connections - before
    if (second > 0 && second < clients.length) return clients
  }
}

/** Whoever asks again and again, four on connections that they keep and two on new ones. */
class Load {
  readonly #failures: string[] = []
  readonly #agent = new Agent({ keepAlive: true })
  readonly #lanes: Promise<void>[]
  #stopped = false
  #answered = 0

  constructor(port: number) {
    const agents = [...Array.from({ length: 4 }, () => this.#agent), false as const, false as const]
    this.#lanes = agents.map((agent) => this.#ask({ port, host: '127.0.0.1', headers: { host: 'app.test' }, agent }))
  }

  async more(count: number): Promise<void> {
    const enough = this.#answered + count
    while (this.#answered < enough) await new Promise((wake) => setTimeout(wake, 5))
  }

  async stop(): Promise<string[]> {
    this.#stopped = true
    await Promise.all(this.#lanes)
    this.#agent.destroy()
    return this.#failures
  }

  async #ask(to: object): Promise<void> {
    while (!this.#stopped) {
      try {
        const [response] = (await once(request(to).end(), 'response')) as [IncomingMessage]
        await once(response.resume(), 'end')
        if (response.statusCode === 200) this.#answered++
        else this.#failures.push(`status ${response.statusCode}`)
      } catch (cause) {
        this.#failures.push((cause as NodeJS.ErrnoException).code ?? String(cause))
      }
    }
  }
}
