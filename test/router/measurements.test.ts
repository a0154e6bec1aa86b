import { describe, expect, it } from 'vitest'
import type { AppId } from '../../src/model/ids.ts'
import { startApp } from './helpers/apps.ts'
import { RawClient } from './helpers/raw-client.ts'
import { route, startRouter, type TestRouter } from './helpers/router.ts'

const app = 'app-1' as AppId

async function ask({ port }: TestRouter, path: string, host = 'app.test'): Promise<string> {
  using client = await RawClient.connect(port)
  client.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  return await client.until(/HTTP\/1\.1 \d\d\d[^]*\r\n\r\n/)
}

const answering = () => startApp((request, response) => response.writeHead(Number(request.url?.slice(1))).end('12345'))

describe('the router', () => {
  it('counts each request to an app by status, code, bytes and time', async () => {
    await using backend = await answering()
    await using router = await startRouter({ routes: [route([backend])] })
    for (const status of [200, 201, 302, 404, 500]) await ask(router, `/${status}`)
    await ask(router, '/200', 'nobody.test')
    expect(router.router.measurements.minute(app)?.requests).toMatchObject({
      statuses: [0, 2, 1, 1, 1],
      codes: {},
      bytes: 25,
    })
    const totals = router.router.measurements.totals()
    expect(Object.keys(totals)).toEqual([app])
    expect(totals[app]?.durations.count).toBe(5)
  })

  it('counts what it answers itself under its code, without a time where no dyno was reached', async () => {
    await using router = await startRouter({ routes: [route([], { state: 'crashed' })] })
    await ask(router, '/')
    const { statuses, codes, latency } = router.router.measurements.minute(app)!.requests
    expect({ statuses, codes, latency }).toEqual({
      statuses: [0, 0, 0, 0, 1],
      codes: { H10: 1 },
      latency: { sum: 0, buckets: [] },
    })
  })

  it('writes what came together when it stops, and goes on counting from there in its totals', async () => {
    await using backend = await answering()
    const router = await startRouter({ routes: [route([backend])] })
    await ask(router, '/200')
    await router[Symbol.asyncDispose]()
    expect(router.entries).toMatchObject([{ requests: { statuses: [0, 1, 0, 0, 0] } }])
    expect(router.router.measurements.minute(app)).toBeNull()
    expect(router.router.measurements.totals()[app]?.statuses).toEqual([0, 1, 0, 0, 0])
  })
})
