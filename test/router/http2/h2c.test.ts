import { once } from 'node:events'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TlsIdentity } from '../../../src/router/tls/identity.ts'
import { refusingPort } from '../helpers/apps.ts'
import { startH2cApp } from '../helpers/h2c-app.ts'
import { answerOf, Http2Client } from '../helpers/http2-client.ts'
import { talk } from '../helpers/raw-client.ts'
import { route } from '../helpers/router.ts'
import { startTlsRouter, testIdentity } from '../helpers/tls-router.ts'

let identity: TlsIdentity

beforeAll(async () => {
  ;({ identity } = await testIdentity())
})

const edge = { protocol: 'h2c' as const }

describe('an app that speaks HTTP/2 in the clear', () => {
  it('gets the requests of many visitors on one connection, with the usual headers', async () => {
    await using app = await startH2cApp((stream, head) => {
      stream.respond({ ':status': 200, 'x-app': 'yes' })
      stream.end(JSON.stringify(head))
    })
    await using router = await startTlsRouter(identity, { routes: [route([app], { edge })] })
    using client = await Http2Client.connect(router.tlsPort)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.ask({ ':path': '/a', cookie: ['b', 'c'] })),
    )
    for (const { status, headers, body } of answers) {
      expect({ status, app: headers['x-app'], via: headers.via }).toEqual({ status: 200, app: 'yes', via: '1.1 paas' })
      expect(JSON.parse(body)).toMatchObject({
        ':method': 'GET',
        ':path': '/a',
        ':authority': 'app.test',
        ':scheme': 'http',
        te: 'trailers',
        cookie: 'b; c',
        'x-forwarded-proto': 'https',
      })
    }
    expect(app.sessions).toBe(1)
    expect(router.lines[0]).toMatch(/^at=info method=GET path="\/a" host=app.test .* dyno=web.1 .* status=200/)
    const plain = 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n'
    expect(await talk(router.port, plain)).toMatch(/^HTTP\/1\.1 200 OK\r\nx-app: yes/)
  })

  it('takes and gives bodies and trailers', async () => {
    await using app = await startH2cApp((stream) => {
      let sum = 'none'
      stream.on('trailers', (fields) => (sum = String(fields['x-sum'])))
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': `after ${sum}` }))
      stream.pipe(stream)
    })
    await using router = await startTlsRouter(identity, { routes: [route([app], { edge })] })
    using client = await Http2Client.connect(router.tlsPort)
    const body = Buffer.alloc(3_000_000, 'abc')
    const head = { ':method': 'POST', ':path': '/', ':authority': 'app.test' }
    const stream = client.session.request(head, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }))
    stream.end(body)
    const answer = await answerOf(stream)
    expect(answer.body.length).toBe(body.length)
    expect(answer.trailers).toMatchObject({ 'x-end': 'after 42' })
  })

  it('says nothing of a length where it gives none: to HEAD, and of what has not changed', async () => {
    await using app = await startH2cApp((stream, head) =>
      stream.respond({ ':status': Number(String(head[':path']).slice(1)) }, { endStream: true }),
    )
    await using router = await startTlsRouter(identity, { routes: [route([app], { edge })] })
    using client = await Http2Client.connect(router.tlsPort)
    const lengthOf = async (method: string, path: string): Promise<unknown> =>
      (await client.ask({ ':method': method, ':path': path })).headers['content-length']
    expect(await lengthOf('HEAD', '/200')).toBeUndefined()
    expect(await lengthOf('GET', '/304')).toBeUndefined()
    expect(await lengthOf('GET', '/200')).toBe('0')
  })

  it('that refuses the connection, or breaks off, is told of as any other', async () => {
    await using app = await startH2cApp((stream, head) => {
      if (head[':path'] === '/early') return stream.close(2)
      stream.respond({ ':status': 200 })
      stream.write('part', () => stream.destroy(new Error('broken')))
    })
    await using router = await startTlsRouter(identity, { routes: [route([app], { edge })] })
    using client = await Http2Client.connect(router.tlsPort)
    expect(await client.ask({ ':path': '/early', ':method': 'POST' }, 'x')).toMatchObject({ status: 503 })
    const stream = client.open({ ':path': '/late' })
    const isBroken = once(stream, 'error')
    stream.resume()
    await isBroken
    router.router.routes.switchTo(route([{ port: refusingPort }], { edge }))
    expect(await client.ask()).toMatchObject({ status: 503 })
    const codes = router.lines.map((line) => /code=(\w+)/.exec(line)?.[1])
    expect(codes).toEqual(['H13', 'H18', 'H21'])
  })

  it('hears at once of a visitor who left', async () => {
    const { promise: gone, resolve } = Promise.withResolvers<number>()
    const { promise: came, resolve: arrive } = Promise.withResolvers<void>()
    await using app = await startH2cApp((stream) => {
      arrive()
      stream.on('close', () => resolve(stream.rstCode))
    })
    await using router = await startTlsRouter(identity, { routes: [route([app], { edge })] })
    using client = await Http2Client.connect(router.tlsPort)
    const stream = client.open()
    await came
    stream.close(8)
    expect(await gone).toBe(8)
  })

  it('is asked again on another connection when it went away in between', async () => {
    await using app = await startH2cApp((stream) => {
      stream.respond({ ':status': 200 })
      stream.end('ok')
      stream.session?.close()
    })
    await using router = await startTlsRouter(identity, { routes: [route([app], { edge })] })
    using client = await Http2Client.connect(router.tlsPort)
    for (let n = 0; n < 20; n++) expect(await client.ask()).toMatchObject({ status: 200, body: 'ok' })
    expect(app.sessions).toBe(20)
  })
})
