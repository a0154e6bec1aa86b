import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp, startRawApp, type TestApp } from './helpers/apps.ts'
import { RawClient, talk } from './helpers/raw-client.ts'
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

const pieces = ['', '\r\n', '\n', '\0', ' ', '\t', ':', ',', 'chunked', '0', '\xff']
const anyByte = fc.nat(255).map((code) => String.fromCharCode(code))
const place = fc.nat(1000).map((share) => share / 1001)
const change = fc.record({ at: place, piece: fc.oneof(fc.constantFrom(...pieces), anyByte), leftOut: fc.nat(2) })

/** One of `texts` with a few bytes changed, inserted, left out or repeated. */
function mutated(texts: string[]): fc.Arbitrary<string> {
  const repeatedFrom = fc.option(place, { freq: 20 })
  return fc
    .tuple(fc.constantFrom(...texts), fc.array(change, { maxLength: 4 }), repeatedFrom)
    .map(([text, changes, from]) => {
      const changed = changes.reduce((before, { at, piece, leftOut }) => {
        const index = Math.floor(at * before.length)
        return before.slice(0, index) + piece + before.slice(index + leftOut)
      }, text)
      return from === null ? changed : changed + changed.slice(Math.floor(from * changed.length))
    })
}

/**
 * Gives `send` batches of what is drawn, for `duration`. A failure names what failed; the seed on the terminal, set as PAAS_TEST_SEED,
 * repeats a run, one that ended this process too.
 */
async function sendRubbish<T>(drawn: fc.Arbitrary<T>, send: (one: T) => Promise<void>): Promise<void> {
  const seed = Number(process.env['PAAS_TEST_SEED'] ?? randomInt(2 ** 31))
  console.log(`${expect.getState().currentTestName}: PAAS_TEST_SEED=${seed}`)
  const batches = fc.asyncProperty(fc.array(drawn, { minLength: 20, maxLength: 20 }), async (batch) => {
    await Promise.all(batch.map(send))
  })
  await fc.assert(batches, { seed, numRuns: 100_000, interruptAfterTimeLimit: duration, endOnFailure: true })
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
  const answer = await talk(router.port, 'GET / HTTP/1.1\r\nHost: good.test\r\nConnection: close\r\n\r\n')
  expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\ngood$/)
}

const goodRoute = () => route([good], { appId: 'app-2' as never, app: 'good', hosts: ['good.test'] })

describe('the router survives', () => {
  it('mutated requests, cut into pieces', { timeout: 60_000 }, async () => {
    router = await startRouter({ routes: [goodRoute(), route([good])] })
    const request = fc.record({ text: mutated(requests), next: mutated(requests), cutAt: place, pause: fc.boolean() })
    await sendRubbish(request, async ({ text, next, cutAt, pause }) => {
      using client = await RawClient.connect(router.port)
      const all = text + next
      const cut = Math.floor(cutAt * all.length)
      client.send(all.slice(0, cut))
      if (pause) await new Promise(setImmediate)
      client.send(all.slice(cut))
      await expectAlive()
    })
    expect(router.router.counters.refusedRequests).toBeGreaterThan(50)
    await router[Symbol.asyncDispose]()
  })

  it('apps whose answers are mutated, and gives nothing of them to others', { timeout: 60_000 }, async () => {
    const answers: { answer: string; ends: boolean }[] = []
    await using bad = await startRawApp((socket) => {
      const { answer, ends } = answers.pop() ?? { answer: responses[0]!, ends: true }
      socket.write(answer, 'latin1')
      if (ends) socket.end()
    })
    const limits = { app: { connect: 500, firstByte: 500, idle: 500 } }
    router = await startRouter({ routes: [goodRoute(), route([bad])], limits })
    const rubbish = fc.record({ asked: fc.constantFrom(...requests), answer: mutated(responses), ends: fc.boolean() })
    await sendRubbish(rubbish, async (one) => {
      using client = await RawClient.connect(router.port)
      answers.push(one)
      client.send(one.asked + requests[0]!)
      await expectAlive()
    })
    const target = router.router.routes.findTarget(`t${bad.port}`)!
    await new Promise<void>((resolve) => target.onceIdle(resolve))
    expect(target.inFlight).toBe(0)
    await router[Symbol.asyncDispose]()
  })
})
