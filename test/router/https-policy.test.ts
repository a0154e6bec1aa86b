import { request } from 'node:https'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { beforeAll, describe, expect, it } from 'vitest'
import type { HostCertificate } from '../../src/model/route.ts'
import type { TlsIdentity } from '../../src/router/tls/identity.ts'
import { startApp } from './helpers/apps.ts'
import { RawClient } from './helpers/raw-client.ts'
import { route, startRouter } from './helpers/router.ts'
import { startTlsRouter, testIdentity } from './helpers/tls-router.ts'

let identity: TlsIdentity
let managed: HostCertificate
const hour = 3_600_000

beforeAll(async () => {
  ;({ identity } = await testIdentity())
  managed = { hosts: ['app.test'], ...identity, until: Date.now() + hour }
})

async function ask(port: number, head: string): Promise<string> {
  using client = await RawClient.connect(port)
  return await client.send(`${head}\r\nHost: app.test\r\nConnection: close\r\n\r\n`).untilClosed()
}

async function hstsOf(port: number): Promise<string | undefined> {
  const asked = request({ host: '127.0.0.1', port, servername: 'app.test', rejectUnauthorized: false, agent: false })
  asked.setHeader('host', 'app.test')
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.resume()
  return response.headers['strict-transport-security']
}

describe('a visitor who comes without TLS', () => {
  it('is sent to it where the certificate came by itself, and is served where not', async () => {
    await using app = await startApp((_, res) => res.end('served'))
    await using router = await startRouter({ tlsPort: 443, routes: [route([app], { certificates: [managed] })] })
    const sent = await ask(router.port, 'GET /a?b=c HTTP/1.1')
    expect(sent).toMatch(/^HTTP\/1\.1 301 Moved Permanently\r\n[^]*Location: https:\/\/app\.test\/a\?b=c\r\n/)
    expect(router.lines).toEqual([expect.stringMatching(/method=GET path="\/a\?b=c" .* status=301/)])
    router.router.routes.switchTo(route([app], { certificates: [{ hosts: ['app.test'], ...identity }] }))
    expect(await ask(router.port, 'GET / HTTP/1.1')).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('keeps the method with 308, and gets the port where it is not the usual one', async () => {
    await using router = await startRouter({ tlsPort: 8443, routes: [route([], { https: { redirect: true } })] })
    const sent = await ask(router.port, 'POST /form HTTP/1.1\r\nContent-Length: 0')
    expect(sent).toMatch(/^HTTP\/1\.1 308 Permanent Redirect\r\n[^]*Location: https:\/\/app\.test:8443\/form\r\n/)
  })

  it('is served where that is set, where the certificate has ended, and where nothing speaks TLS', async () => {
    await using app = await startApp((_, res) => res.end('served'))
    const off = route([app], { certificates: [managed], https: { redirect: false } })
    await using router = await startRouter({ tlsPort: 443, routes: [off] })
    expect(await ask(router.port, 'GET / HTTP/1.1')).toMatch(/^HTTP\/1\.1 200 /)
    router.router.routes.switchTo(route([app], { certificates: [{ ...managed, until: Date.now() - 1 }] }))
    expect(await ask(router.port, 'GET / HTTP/1.1')).toMatch(/^HTTP\/1\.1 200 /)
    await using plain = await startRouter({ routes: [route([app], { certificates: [managed] })] })
    expect(await ask(plain.port, 'GET / HTTP/1.1')).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('of the control host is served always', async () => {
    await using router = await startRouter({
      tlsPort: 443,
      table: { certificates: [{ ...managed, hosts: ['paas.test'] }] },
    })
    using client = await RawClient.connect(router.port)
    const answer = await client.send('GET / HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n').untilClosed()
    expect(answer).toMatch(/^HTTP\/1\.1 404 /)
  })
})

describe('an answer over TLS', () => {
  it('tells browsers to stay there where the certificate came by itself, for so long as is set', async () => {
    await using app = await startApp((_, res) => res.end('served'))
    await using router = await startTlsRouter(identity, { routes: [route([app], { certificates: [managed] })] })
    expect(await hstsOf(router.tlsPort)).toBe('max-age=2592000')
    router.router.routes.switchTo(route([app], { certificates: [managed], https: { hsts: 0 } }))
    expect(await hstsOf(router.tlsPort)).toBe('max-age=0')
    router.router.routes.switchTo(route([app]))
    expect(await hstsOf(router.tlsPort)).toBeUndefined()
  })

  it("has the app's own word, if it has one", async () => {
    await using app = await startApp((_, res) => {
      res.setHeader('Strict-Transport-Security', 'max-age=1')
      res.end('served')
    })
    await using router = await startTlsRouter(identity, { routes: [route([app], { certificates: [managed] })] })
    expect(await hstsOf(router.tlsPort)).toBe('max-age=1')
  })

  it('is that of a wildcard certificate of the server too', async () => {
    await using app = await startApp((_, res) => res.end('served'))
    const certificates = [{ ...managed, hosts: ['*.test'] }]
    await using router = await startTlsRouter(identity, { routes: [route([app])], table: { certificates } })
    expect(await hstsOf(router.tlsPort)).toBe('max-age=2592000')
  })
})
