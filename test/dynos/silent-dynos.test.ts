import type { AddressInfo } from 'node:net'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import type { Dyno } from '../../src/engine/engine.ts'
import type { AppId } from '../../src/model/ids.ts'
import type { Silence } from '../../src/router/control/control.ts'
import { BackOff } from '../../src/dynos/back-off.ts'
import { SilentDynos } from '../../src/dynos/silent-dynos.ts'

let cleanups = new DisposableStack()
afterEach(() => {
  cleanups.dispose()
  cleanups = new DisposableStack()
})

/** A dyno of a real server, and a router that says of it what the test wants; `looks` looks that often and gives how many counted as hung. */
async function dynoWith(onRequest: RequestListener, suspects: string[] = []) {
  const asked: string[] = []
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host} ${request.headers['user-agent']}`)
    onRequest(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.defer(() => (server.closeAllConnections(), server.close()))
  const appId = 'app-1' as AppId
  const facts = { id: 'x', appId, name: 'web.1', type: 'web', size: 'basic', release: 3, attached: false, image: '' }
  const { port } = server.address() as AddressInfo
  const state = { kind: 'running' as const, since: new Date() }
  const place = { address: '127.0.0.1', port, host: 'acme.localhost', state, restarts: 0, createdAt: new Date() }
  const dyno: Dyno = { ...facts, ...place }
  const told: string[] = []
  let silences: Silence[] = []
  const target = { id: 'x', dyno: 'web.1', release: 3, host: '127.0.0.1', port }
  const silent = new SilentDynos({
    engine: { findDyno: async () => dyno },
    router: { silences: async () => silences },
    routes: { settled: () => Promise.resolve({ appId, app: 'acme', hosts: [], state: 'up', targets: [target] }) },
    dynoLog: { answers: ({ name }) => void told.push(`${name} answers`) },
    seconds: 60,
    suspects,
  })
  cleanups.use(silent)
  const looks = async (count: number, seen?: Partial<Silence>): Promise<number> => {
    silences = seen ? [{ id: 'x', silentMs: 20_000, owes: true, held: false, ...seen }] : []
    let hung = 0
    for (let look = 0; look < count; look++) {
      hung += (await silent.look()).length
    }
    return hung
  }
  return { looks, asked, told, server }
}

describe('a web dyno that owes visitors an answer', () => {
  it('and gives none to the server either is hung after the time, and was asked once', async () => {
    const { looks, asked } = await dynoWith(() => undefined)
    expect(await looks(6, {})).toBe(0)
    expect(await looks(2, {})).toBe(2)
    await expect.poll(() => asked).toEqual(['GET / acme.localhost paas-healthcheck'])
  })

  it('and refuses connections is hung after the time', async () => {
    const { looks, server } = await dynoWith(() => undefined)
    server.close()
    expect(await looks(6, {})).toBe(0)
    expect(await looks(1, {})).toBe(1)
  })

  it('and answers the server, whatever and however late, is up again, and left in peace for as long', async () => {
    const request = Promise.withResolvers<ServerResponse>()
    const { looks, asked, told } = await dynoWith((_, response) => request.resolve(response))
    expect(await looks(7, {})).toBe(1)
    const response = await request.promise
    response.writeHead(500).end()
    await expect.poll(() => told).toEqual(['web.1 answers'])
    expect(await looks(10, {})).toBe(0)
    expect(asked).toHaveLength(1)
  })

  it('is alive as soon as anything of it comes to a visitor', async () => {
    const { looks } = await dynoWith(() => undefined)
    await looks(5, {})
    await looks(1)
    expect(await looks(6, {})).toBe(0)
  })

  it('has five times the time while a visitor holds it', async () => {
    const { looks } = await dynoWith(() => undefined)
    expect(await looks(30, { held: true })).toBe(0)
    expect(await looks(1, { held: true })).toBe(1)
  })

  it('is up again when it was found hung by an earlier worker, and answers visitors now', async () => {
    const { looks, told } = await dynoWith(() => undefined, ['x'])
    await looks(1)
    expect(told).toEqual(['web.1 answers'])
  })
})

describe('a web dyno that nobody wants anything of', () => {
  it('is asked after five times the time, and then left in peace for as long', async () => {
    const { looks, asked } = await dynoWith((_, response) => response.end())
    await looks(2, { owes: false, silentMs: 299_000 })
    await looks(9, { owes: false, silentMs: 301_000 })
    await expect.poll(() => asked).toHaveLength(1)
  })
})

it('what was done for an app waits twice as long each time, up to an hour, until it went well for a while', () => {
  let now = 0
  const backOff = new BackOff<string>(() => now)
  const pauses = Array.from({ length: 9 }, () => {
    const begin = now
    backOff.note('acme')
    while (backOff.isWaiting('acme')) now += 1000
    return (now - begin) / 1000
  })
  expect(pauses).toEqual([60, 120, 240, 480, 960, 1920, 3600, 3600, 3600])
  now += 2 * 3_600_000
  backOff.note('other')
  backOff.note('acme')
  now += 60_000
  expect(backOff.isWaiting('acme')).toBe(false)
})
