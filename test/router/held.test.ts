import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { isRoutingTable } from '../../src/router/table/table-schema.ts'
import { refusingPort, startApp } from './helpers/apps.ts'
import { statusOf, talk } from './helpers/raw-client.ts'
import { route, startRouter, type TestRouter } from './helpers/router.ts'

const get = (router: TestRouter) => talk(router.port, 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n')
const post = (router: TestRouter, body: string) =>
  talk(
    router.port,
    `POST / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
const held = route([], { state: 'held', patient: true })
const hold = { time: 5_000, requests: 10, bytes: 100_000 }

/** Says how often it was asked, and for how many bytes. */
const startNext = () =>
  startApp((req, res) => {
    let bytes = 0
    req.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('end', () => res.end(`new ${bytes}`))
  })

describe('a held route', () => {
  it('keeps requests, with their bodies, for the next dyno', async () => {
    await using next = await startNext()
    await using router = await startRouter({ routes: [held] })
    const body = 'x'.repeat(300_000)
    const answers = Promise.all([get(router), post(router, body), get(router)])
    await expect.poll(() => router.router.held).toBe(3)
    expect(router.lines).toEqual([])
    router.router.routes.switchTo(route([next], { patient: true }))
    expect((await answers).map((answer) => answer.split('\r\n\r\n')[1])).toEqual(['new 0', 'new 300000', 'new 0'])
    expect(router.router.held).toBe(0)
  })

  it('gives each the answer of what its route has become', async () => {
    await using router = await startRouter({ routes: [held] })
    const answer = get(router)
    await expect.poll(() => router.router.held).toBe(1)
    router.router.routes.switchTo({ ...held, hosts: ['app.test'] })
    await delay(20)
    expect(router.router.held).toBe(1)
    router.router.routes.switchTo(route([], { state: 'crashed' }))
    expect(await answer).toMatch(/H10/)
  })

  it('answers H90 when the time is up, and at once when too many wait', async () => {
    await using router = await startRouter({ routes: [held], limits: { hold: { ...hold, time: 600, requests: 2 } } })
    const waiting = [get(router), get(router)]
    await expect.poll(() => router.router.held).toBe(2)
    const turnedAway = await get(router)
    expect(router.router.held).toBe(2)
    expect([statusOf(turnedAway), /Retry-After: 5/.test(turnedAway)]).toEqual([503, true])
    for (const answer of await Promise.all(waiting)) expect(answer).toMatch(/H90/)
    expect(router.lines.map((line) => /code=(\w+)/.exec(line)?.[1])).toEqual(['H90', 'H90', 'H90'])
    expect(router.router.held).toBe(0)
  })

  it('answers H90 when the heads of those that wait are too long together', async () => {
    await using router = await startRouter({ routes: [held], limits: { hold: { ...hold, bytes: 150 } } })
    const first = get(router)
    await expect.poll(() => router.router.held).toBe(1)
    const long = `GET /${'a'.repeat(100)} HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n`
    expect(await talk(router.port, long)).toMatch(/H90/)
    router.router.routes.switchTo(route([], { state: 'down' }))
    await first
  })

  it('forgets who leaves', async () => {
    await using router = await startRouter({ routes: [held] })
    const leaver = connect(router.port, '127.0.0.1')
    leaver.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    await expect.poll(() => router.router.held).toBe(1)
    leaver.destroy()
    await expect.poll(() => router.router.held).toBe(0)
    expect(router.lines).toEqual([expect.stringMatching(/code=H27/)])
  })

  it('wakes a thousand without losing one', async () => {
    await using next = await startNext()
    await using router = await startRouter({
      routes: [held],
      limits: { hold: { ...hold, requests: 1000, bytes: 1e7 } },
    })
    const answers = Promise.all(Array.from({ length: 1000 }, () => get(router)))
    await expect.poll(() => router.router.held).toBe(1000)
    router.router.routes.switchTo(route([next], { patient: true }))
    expect((await answers).filter((answer) => statusOf(answer) !== 200)).toEqual([])
  }, 30_000)
})

describe('a patient route', () => {
  it('keeps what its dyno refuses until that takes it', async () => {
    await using router = await startRouter({ routes: [route([{ port: refusingPort }], { patient: true })] })
    const answer = post(router, 'hi')
    await expect.poll(() => router.router.held).toBe(1)
    await using next = await startNext()
    router.router.routes.switchTo(route([next], { patient: true }))
    expect(await answer).toMatch(/new 2$/)
  })

  it('answers H90 when that takes too long', async () => {
    const routes = [route([{ port: refusingPort }], { patient: true })]
    await using router = await startRouter({ routes, limits: { hold: { ...hold, time: 500 } } })
    expect(await get(router)).toMatch(/H90/)
  })
})

it('a saved table may have a held route', () => {
  const table = (fields: object) => ({ controlHost: 'a', controlSocket: 'b', routes: [{ ...held, ...fields }] })
  expect(isRoutingTable(table({}))).toBe(true)
  expect(isRoutingTable(table({ patient: 'yes' }))).toBe(false)
})
