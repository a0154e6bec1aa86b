import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp, startRawApp, type TestApp } from './helpers/apps.ts'
import { RawClient, statusOf, talk } from './helpers/raw-client.ts'
import { route, startRouter, type TestRouter } from './helpers/router.ts'

/** Milliseconds that each of these tests sends rubbish for. */
const duration = 3_000

const requests = [
  'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n',
  'POST /a?b HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\n\r\nhello',
  'POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x85....hello',
  'GET http://app.test/ HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n',
]
const responses = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n',
  'HTTP/1.0 200 OK\r\n\r\nhello',
  'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05hello',
]

/** One of `seeds` with a few bytes changed, inserted, left out or repeated. */
function mutate(seeds: string[]): string {
  let text = seeds[randomInt(seeds.length)]!
  for (let changes = randomInt(5); changes > 0; changes--) {
    const at = randomInt(text.length)
    const piece = [
      '',
      '\r\n',
      '\n',
      '\0',
      ' ',
      '\t',
      ':',
      ',',
      'chunked',
      '0',
      '\xff',
      String.fromCharCode(randomInt(256)),
    ][randomInt(12)]!
    text = text.slice(0, at) + piece + text.slice(at + randomInt(3))
    if (randomInt(20) === 0) text += text.slice(randomInt(text.length))
  }
  return text
}

let good: TestApp
let router: TestRouter

beforeAll(async () => {
  good = await startApp((req, res) => {
    req.on('error', () => res.destroy())
    req.resume().on('end', () => res.end('good'))
  })
})

afterAll(() => good[Symbol.asyncDispose]())

const expectAlive = async (): Promise<void> => {
  expect(statusOf(await talk(router.port, 'GET / HTTP/1.1\r\nHost: good.test\r\nConnection: close\r\n\r\n'))).toBe(200)
}

const goodRoute = () => route([good], { appId: 'app-2' as never, app: 'good', hosts: ['good.test'] })

describe('the router survives', () => {
  it('mutated requests, cut into pieces', { timeout: 60_000 }, async () => {
    router = await startRouter({ routes: [goodRoute(), route([good])] })
    for (const end = performance.now() + duration; performance.now() < end;) {
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          using client = await RawClient.connect(router.port)
          const text = mutate(requests) + mutate(requests)
          const cut = randomInt(text.length)
          client.send(text.slice(0, cut))
          if (randomInt(2) === 0) await new Promise(setImmediate)
          client.send(text.slice(cut))
          await Promise.race([client.untilClosed(), new Promise((wake) => setTimeout(wake, 20))])
        }),
      )
    }
    await expectAlive()
    expect(router.router.counters.refusedRequests).toBeGreaterThan(50)
    await router[Symbol.asyncDispose]()
  })

  it('apps whose answers are mutated, and gives nothing of them to others', { timeout: 60_000 }, async () => {
    await using bad = await startRawApp((socket) => {
      socket.write(mutate(responses), 'latin1')
      if (randomInt(3) === 0) socket.end()
    })
    const limits = { app: { connect: 500, firstByte: 500, idle: 500 } }
    router = await startRouter({ routes: [goodRoute(), route([bad])], limits })
    for (const end = performance.now() + duration; performance.now() < end;) {
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          using client = await RawClient.connect(router.port)
          client.send(requests[randomInt(requests.length)]! + requests[0]!)
          await Promise.race([client.untilClosed(), new Promise((wake) => setTimeout(wake, 20))])
        }),
      )
      await expectAlive()
    }
    const target = router.router.routes.findTarget(`t${bad.port}`)!
    await new Promise<void>((resolve) => target.onceIdle(resolve))
    expect(target.inFlight).toBe(0)
    await router[Symbol.asyncDispose]()
  })
})
