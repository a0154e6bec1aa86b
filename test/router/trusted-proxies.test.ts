import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { startApp } from './helpers/apps.ts'
import { proxyHeader2 } from './helpers/proxy-header.ts'
import { RawClient, statusOf, talk } from './helpers/raw-client.ts'
import { route, startRouter } from './helpers/router.ts'
import { startTlsRouter, testIdentity } from './helpers/tls-router.ts'

const trusted = { origins: { trustedProxies: ['127.0.0.0/8'], publicUrl: 'https://paas.test' } }
const line = 'PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n'
const ask = (...lines: string[]) =>
  ['GET / HTTP/1.1', 'Host: app.test', 'Connection: close', ...lines, '', ''].join('\r\n')
const startEcho = () => startApp((req, res) => res.end(JSON.stringify(req.headers)))
const seen = (answer: string): Record<string, string> => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))

describe('behind a TLS terminator', () => {
  it('an app is told the scheme and the port of the public URL, and the log too', async () => {
    await using app = await startEcho()
    const origins = { publicUrl: 'https://paas.test' }
    await using router = await startRouter({ routes: [route([app])], origins })
    const headers = seen(await talk(router.port, ask('X-Forwarded-Proto: http', 'X-Forwarded-For: 6.6.6.6')))
    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '443',
    })
    expect(router.lines[0]).toMatch(/fwd="127\.0\.0\.1" .* protocol=https$/)
  })

  it('that is a trusted proxy an app is told of its visitor, and the log too, each request anew', async () => {
    await using app = await startEcho()
    await using router = await startRouter({ routes: [route([app])], ...trusted })
    using proxy = await RawClient.connect(router.port)
    const request = (...lines: string[]) => ask(...lines).replace('Connection: close\r\n', '')
    proxy.send(request('X-Forwarded-For: 6.6.6.6, 192.0.2.7', 'X-Forwarded-Proto: http', 'X-Forwarded-Port: 81'))
    expect(seen(await proxy.until(/\}$/))).toMatchObject({
      'x-forwarded-for': '192.0.2.7',
      'x-forwarded-proto': 'http',
      'x-forwarded-port': '81',
    })
    proxy.received = ''
    proxy.send(request('X-Forwarded-Host: evil.test', 'Forwarded: for=6.6.6.6'))
    const second = await proxy.until(/\}$/)
    expect(seen(second)).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' })
    expect(second).not.toMatch(/evil|6\.6\.6\.6/)
    expect(statusOf(await talk(router.port, ask('X-Forwarded-For: 192.0.2.8', 'X-A : b')))).toBe(400)
    expect(router.lines).toEqual([
      expect.stringMatching(/fwd="192\.0\.2\.7" .* protocol=http$/),
      expect.stringMatching(/fwd="127\.0\.0\.1" .* protocol=https$/),
      expect.stringMatching(/fwd="127\.0\.0\.1" .* status=400 /),
    ])
  })

  it('that is not a trusted proxy what it says is replaced', async () => {
    await using app = await startEcho()
    const origins = { ...trusted.origins, trustedProxies: ['10.0.0.0/8'] }
    await using router = await startRouter({ routes: [route([app])], origins })
    const lines = ['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Proto: https', 'X-Forwarded-Port: 1']
    expect(seen(await talk(router.port, ask(...lines)))).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-port': String(router.port),
    })
    expect(statusOf(await talk(router.port, line + ask()))).toBe(400)
    expect(statusOf(await talk(router.port, header2() + ask()))).toBe(400)
  })
})

describe('a PROXY header', () => {
  const headers = [
    ['version 1', line],
    ['version 2', header2()],
  ] as const

  it.each(headers)('of %s says who a trusted proxy speaks for, in whatever pieces it comes', async (_, header) => {
    await using app = await startEcho()
    await using router = await startRouter({ routes: [route([app])], ...trusted })
    const told = { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' }
    // The visitor is no trusted proxy.
    const request = ask('X-Forwarded-For: 6.6.6.6')
    expect(seen(await talk(router.port, header + request))).toMatchObject(told)
    using slow = await RawClient.connect(router.port)
    for (const byte of header) {
      slow.send(byte)
      await new Promise((wake) => setImmediate(wake))
    }
    expect(seen(await slow.send(request).untilClosed())).toMatchObject(told)
    expect(router.lines).toEqual(Array(2).fill(expect.stringMatching(/fwd="192\.0\.2\.7" .* protocol=https$/)))
  })

  it.each(headers)('of %s comes before the handshake on the TLS port', async (_, header) => {
    const { authority, identity } = await testIdentity()
    await using app = await startEcho()
    await using router = await startTlsRouter(identity, { routes: [route([app])], ...trusted })
    const raw = await RawClient.connect(router.tlsPort)
    raw.socket.removeAllListeners('data')
    raw.send(header)
    const socket = connectTls({ socket: raw.socket, servername: 'app.test', ca: authority.certificate })
    await once(socket, 'secureConnect')
    const answer = await new RawClient(socket).send(ask()).untilClosed()
    expect(seen(answer)).toMatchObject({ 'x-forwarded-for': '192.0.2.7', 'x-forwarded-port': '443' })
  })

  it('may be absent, on either port, or say that the proxy speaks for itself', async () => {
    const { identity } = await testIdentity()
    await using app = await startEcho()
    await using router = await startTlsRouter(identity, { routes: [route([app])], ...trusted })
    for (const header of ['', 'PROXY UNKNOWN\r\n', header2(0x20)]) {
      expect(seen(await talk(router.port, header + ask()))).toMatchObject({ 'x-forwarded-for': '127.0.0.1' })
    }
    using client = await RawClient.connectTls(router.tlsPort, { servername: 'app.test' })
    expect(statusOf(await client.send(ask()).untilClosed())).toBe(200)
  })

  it.each(['PROXY TCP4 nobody 10.0.0.1 1 443\r\n', '\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c', 'PROXY'])(
    '%j ends the connection, with no answer',
    async (header) => {
      await using router = await startRouter({ ...trusted, limits: { head: 300 } })
      expect(await talk(router.port, header)).toBe('')
    },
  )

  it.each(headers)('of %s that drips in ends the connection in the time of a request’s head', async (_, header) => {
    await using router = await startRouter({ ...trusted, limits: { keepAlive: 60_000, head: 300 } })
    using slow = await RawClient.connect(router.port)
    const began = performance.now()
    const drip = setInterval(() => slow.send(header[at++ % 12]!), 50)
    let at = 0
    expect(await slow.untilClosed()).toBe('')
    clearInterval(drip)
    expect(performance.now() - began).toBeLessThan(5_000)
  })

  it.each(headers)('of %s counts once, at the begin: it smuggles nothing', async (_, header) => {
    await using app = await startEcho()
    await using router = await startRouter({ routes: [route([app])], ...trusted })
    const other = header.replace('192.0.2.7', '6.6.6.6').replace('\xc0\0\x02\x07', '\x06\x06\x06\x06')
    expect(other).not.toBe(header)
    const kept = 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n'
    for (const begin of [header + other, header + kept + other, kept + other]) {
      const answers = await talk(router.port, begin + ask())
      expect(answers.split('HTTP/1.1 ').at(-1)).toMatch(/^400 /)
      expect(answers).not.toContain('6.6.6.6')
    }
    expect(router.lines.join()).not.toContain('6.6.6.6')
  })

  it('of a proxy that is not trusted is no TLS handshake', async () => {
    const { identity } = await testIdentity()
    const origins = { ...trusted.origins, trustedProxies: ['10.0.0.0/8'] }
    await using router = await startTlsRouter(identity, { origins })
    expect(await talk(router.tlsPort, line)).not.toContain('200 OK')
    await expect.poll(() => router.router.connections).toBe(0)
  })

  it('that does not come holds up no stop', async () => {
    await using router = await startRouter(trusted)
    using silent = await RawClient.connect(router.port)
    await router.router.stop({ milliseconds: 60_000, idle: 'close' })
    expect(await silent.untilClosed()).toBe('')
  })
})

describe('a visitor with IPv6', () => {
  const from6 = async (port: number, text: string): Promise<string> => {
    const socket = connect({ port, host: '::1' })
    await once(socket, 'connect')
    return new RawClient(socket).send(text).untilClosed()
  }

  it('appears with an address of its own to the app and in the log', async () => {
    await using app = await startEcho()
    await using router = await startRouter({ routes: [route([app])] })
    expect(seen(await from6(router.port, ask()))).toMatchObject({ 'x-forwarded-for': '::1' })
    expect(router.lines).toEqual([expect.stringContaining('fwd="::1"')])
  })

  it('appears so behind a trusted proxy too, which may have IPv6 itself', async () => {
    await using app = await startEcho()
    const origins = { trustedProxies: ['::1/128'], publicUrl: undefined }
    await using router = await startRouter({ routes: [route([app])], origins })
    const told = { 'x-forwarded-for': '2001:db8::7' }
    const headers = [
      'PROXY TCP6 2001:db8::7 ::1 1 443\r\n',
      proxyHeader2({ source: '2001:db8:0:0:0:0:0:7', port: 443 }).toString('latin1'),
    ]
    for (const header of headers) expect(seen(await from6(router.port, header + ask()))).toMatchObject(told)
    expect(seen(await from6(router.port, ask('X-Forwarded-For: 2001:DB8::7')))).toMatchObject(told)
    expect(router.lines).toEqual(Array(3).fill(expect.stringContaining('fwd="2001:db8::7"')))
  })
})

describe('the limit of connections from one address', () => {
  const limits = { connectionsPerAddress: 2 }

  it('is a visitor’s, not a trusted proxy’s', async () => {
    const open: (() => void)[] = []
    await using app = await startApp((_, res) => void open.push(() => res.end('served')))
    await using router = await startRouter({ routes: [route([app])], limits, ...trusted })
    const from = (visitor: string) => talk(router.port, ask(`X-Forwarded-For: ${visitor}`))
    const answers = [from('192.0.2.7'), from('192.0.2.7'), from('192.0.2.8'), from('192.0.2.8'), from('127.0.0.9')]
    while (open.length < 5) await new Promise((wake) => setTimeout(wake, 5))
    expect(await from('192.0.2.7')).toMatch(/^HTTP\/1\.1 503 [^]*H22/)
    expect(router.lines.at(-1)).toMatch(/code=H22 .* fwd="192\.0\.2\.7" /)
    for (const answer of open.splice(0)) answer()
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/served/)
    const later = from('192.0.2.7')
    while (open.length < 1) await new Promise((wake) => setTimeout(wake, 5))
    open[0]!()
    expect(await later).toMatch(/served/)
  })

  it('counts what PROXY headers name', async () => {
    await using router = await startRouter({ limits, ...trusted })
    using first = await RawClient.connect(router.port)
    using second = await RawClient.connect(router.port)
    for (const client of [first, second]) {
      client.send(`${line}GET / HTTP/1.1\r\nHost: nope.test\r\n\r\n`)
      await client.until(/404/)
    }
    expect(await talk(router.port, line)).toMatch(/^HTTP\/1\.1 503 [^]*H22/)
    first.socket.destroy()
    await expect.poll(() => router.router.connections).toBe(1)
    expect(statusOf(await talk(router.port, line + ask()))).toBe(404)
  })
})

function header2(command = 0x21): string {
  return proxyHeader2({ source: '192.0.2.7', port: 443, command }).toString('latin1')
}
