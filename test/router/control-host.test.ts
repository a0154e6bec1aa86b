import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startApp } from './helpers/apps.ts'
import { RawClient, statusOf, talk } from './helpers/raw-client.ts'
import { route, startRouter } from './helpers/router.ts'

let directory: string
let controlSocket: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-router-'))
  controlSocket = join(directory, 'api.sock')
})

afterEach(() => rm(directory, { recursive: true }))

async function startApi(): Promise<AsyncDisposable> {
  const server = createServer((req, res) => {
    let body = ''
    req.on('data', (data) => (body += data))
    req.on('end', () => res.end(`api ${String(req.headers['x-forwarded-for'])} ${body}`))
  })
  server.listen(controlSocket)
  await once(server, 'listening')
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const get = (port: number, host: string) => talk(port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)

describe('the control host', () => {
  it.each(['paas.test', 'PAAS.test:8080', 'localhost', '127.0.0.1:80', '192.0.2.1', '[::1]:8080'])(
    '%s leads to the api',
    async (host) => {
      await using _api = await startApi()
      await using router = await startRouter({ table: { controlSocket } })
      expect(await get(router.port, host)).toMatch(/api 127\.0\.0\.1/)
    },
  )

  it.each(['paas.test', 'localhost', '127.0.0.1'])('%s is never given to an app', async (host) => {
    await using _api = await startApi()
    await using app = await startApp((_, res) => res.end('app'))
    const routes = [route([app], { hosts: [host, 'app.test'] })]
    await using router = await startRouter({ table: { controlSocket }, routes })
    expect(await get(router.port, host)).toMatch(/\r\napi 127/)
    expect(await get(router.port, 'app.test')).toMatch(/\r\napp$/)
  })

  it('keeps requests, with their bodies, while the api restarts', async () => {
    await using router = await startRouter({ table: { controlSocket } })
    using client = await RawClient.connect(router.port)
    client.send('POST / HTTP/1.1\r\nHost: paas.test\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhe')
    const later = get(router.port, 'paas.test')
    expect(statusOf(await get(router.port, 'nobody.test'))).toBe(404)
    expect(client.received).toBe('')
    await using _api = await startApi()
    client.send('llo')
    expect(await client.untilClosed()).toMatch(/api 127\.0\.0\.1 hello/)
    expect(statusOf(await later)).toBe(200)
  })

  it('is not told in any app’s log', async () => {
    await using _api = await startApi()
    await using router = await startRouter({ table: { controlSocket } })
    await get(router.port, 'paas.test')
    expect(router.lines).toEqual([])
  })
})
