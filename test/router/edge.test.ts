import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { hashEdgePassword, type RouteEdge } from '../../src/model/edge.ts'
import { startApp } from './helpers/apps.ts'
import { RawClient, statusOf, talk } from './helpers/raw-client.ts'
import { route, startRouter, type RouterOptions } from './helpers/router.ts'

const ask = (...lines: string[]) =>
  ['GET / HTTP/1.1', 'Host: app.test', 'Connection: close', ...lines, '', ''].join('\r\n')
const basic = (text: string): string => `Authorization: Basic ${Buffer.from(text).toString('base64')}`

async function start(edge: RouteEdge, options: RouterOptions = {}) {
  const app = await startApp((request, answer) => void request.resume().on('end', () => answer.end('served')))
  const router = await startRouter({ ...options, routes: [route([app], { edge })] })
  const dispose = async (): Promise<void> => {
    await router[Symbol.asyncDispose]()
    await app[Symbol.asyncDispose]()
  }
  return { ...router, [Symbol.asyncDispose]: dispose }
}

describe('lists of networks', () => {
  it.each([
    [{ allow: ['127.0.0.0/8'] }, 200],
    [{ allow: ['192.0.2.0/24', '2001:db8::/32'] }, 403],
    [{ deny: ['127.0.0.1/32'] }, 403],
    [{ deny: ['192.0.2.0/24'] }, 200],
    [{ allow: ['127.0.0.0/8'], deny: ['127.0.0.1/32'] }, 403],
  ])('%j: %i', async (edge, status) => {
    await using router = await start(edge)
    expect(statusOf(await talk(router.port, ask()))).toBe(status)
    expect(router.lines).toEqual([expect.stringContaining(`status=${status} `)])
  })

  it('are about the visitor, whom only a trusted proxy can name', async () => {
    const edge = { allow: ['192.0.2.0/24', '2001:db8::/32'] }
    await using behind = await start(edge, { origins: { trustedProxies: ['127.0.0.1/32'] } })
    await using direct = await start(edge)
    for (const [visitor, status] of [
      ['192.0.2.7', 200],
      ['2001:DB8::7', 200],
      ['198.51.100.7', 403],
      ['192.0.2.7, 198.51.100.7', 403],
    ] as const) {
      const request = ask(`X-Forwarded-For: ${visitor}`)
      expect(statusOf(await talk(behind.port, request))).toBe(status)
      expect(statusOf(await talk(direct.port, request))).toBe(403)
    }
  })

  it('let nothing in of who has gone before the connection was taken, whose address is not known', async () => {
    await using router = await start({ deny: ['127.0.0.0/8'] })
    const leave = `const socket = require('net').connect(${router.port}, '127.0.0.1', () =>
      socket.write(${JSON.stringify(ask())}, () => socket.resetAndDestroy()))`
    // Whose end this process waits for, so that it accepts the connection afterwards.
    execFileSync(process.execPath, ['-e', leave])
    expect(statusOf(await talk(router.port, ask()))).toBe(403)
    expect(router.router.counters).toMatchObject({ connections: 2, requests: 1 })
    expect(router.lines).toEqual([expect.stringContaining('status=403 ')])
  })

  it('hold for each request on a connection, and from the moment that they are in force', async () => {
    await using router = await start({ deny: [] })
    using client = await RawClient.connect(router.port)
    const request = ask().replace('Connection: close\r\n', '')
    await client.send(request).until(/served/)
    const [before] = router.router.routes.table.routes
    router.router.routes.switchTo({ ...before!, edge: { deny: ['127.0.0.0/8'] } })
    client.received = ''
    expect(statusOf(await client.send(request).until(/\r\n\r\n/))).toBe(403)
  })
})

describe('a login', () => {
  const users = [{ name: 'staging', salt: 'salt', hash: hashEdgePassword('salt', 'pass:wörd') }]

  it.each([
    ['no', [], 401],
    ['the right', [basic('staging:pass:wörd')], 200],
    ['another password', [basic('staging:pass')], 401],
    ['another name', [basic('other:pass:wörd')], 401],
    ['no password', [basic('staging')], 401],
    ['another scheme', ['Authorization: Bearer x'], 401],
    ['garbage', ['Authorization: Basic %%%'], 401],
    ['a wrong one before the right', [basic('staging:x'), basic('staging:pass:wörd')], 401],
  ])('with %s credentials', async (_, lines, status) => {
    await using router = await start({ users })
    for (let times = 0; times < 2; times++) {
      const answer = await talk(router.port, ask(...lines))
      expect(statusOf(answer)).toBe(status)
      expect(/^WWW-Authenticate: Basic realm="app"/m.test(answer)).toBe(status === 401)
    }
    expect(router.lines.join()).not.toMatch(/wörd|Basic/)
  })

  it('is asked for before an upgrade too', async () => {
    await using router = await start({ users })
    const upgrade = ask('Upgrade: websocket').replace('close', 'Upgrade')
    expect(statusOf(await talk(router.port, upgrade))).toBe(401)
  })
})

describe('the limit of a body', () => {
  const post = (...rest: string[]) => ['POST / HTTP/1.1', 'Host: app.test', 'Connection: close', ...rest].join('\r\n')

  it.each([
    ['of a length within', `${post('Content-Length: 4')}\r\n\r\nbody`, 200],
    ['of a length beyond', `${post('Content-Length: 5')}\r\n\r\nlarge`, 413],
    ['in chunks within', `${post('Transfer-Encoding: chunked')}\r\n\r\n4\r\nbody\r\n0\r\n\r\n`, 200],
    ['in chunks beyond', `${post('Transfer-Encoding: chunked')}\r\n\r\n4\r\nbody\r\n1\r\nx\r\n0\r\n\r\n`, 413],
  ])('holds for a body %s', async (_, request, status) => {
    await using router = await start({ bodyBytes: 4 })
    expect(statusOf(await talk(router.port, request))).toBe(status)
    expect(router.lines).toEqual([expect.stringContaining(`status=${status} `)])
  })
})

describe('time limits', () => {
  it('are the app’s, beside others with the usual ones', async () => {
    await using slow = await startApp((_, answer) => void setTimeout(() => answer.end('late'), 1_500))
    const limits = { app: { connect: 1_000, firstByte: 600, idle: 60_000 } }
    const own = route([slow], { edge: { answerMs: 30_000 } })
    const usual = route([slow], { appId: 'app-2' as never, app: 'other', hosts: ['other.test'] })
    await using router = await startRouter({ limits, routes: [own, usual] })
    const answers = await Promise.all([
      talk(router.port, ask()),
      talk(router.port, ask().replace('app.test', 'other.test')),
    ])
    expect(answers[0]).toMatch(/late$/)
    expect(answers[1]).toMatch(/^HTTP\/1\.1 503 [^]*H12/)
  })

  it('may be shorter than the usual', async () => {
    await using silent = await startApp(() => undefined)
    await using router = await startRouter({ routes: [route([silent], { edge: { answerMs: 300 } })] })
    expect(await talk(router.port, ask())).toMatch(/^HTTP\/1\.1 503 [^]*H12/)
  })
})

describe('session affinity', () => {
  const dynos = async () => {
    const stack = new AsyncDisposableStack()
    const apps = await Promise.all(
      [1, 2, 3].map(async (n) => stack.use(await startApp((_, answer) => answer.end(`dyno ${n}`)))),
    )
    return { apps, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  }
  const cookieOf = (answer: string) => /^Set-Cookie: (heroku-session-affinity=[\w-]{22}); (.*)\r$/m.exec(answer)
  const dynoOf = (answer: string) => /dyno \d$/.exec(answer)?.[0]

  it('binds a browser to the dyno that answered first', async () => {
    await using three = await dynos()
    await using router = await startRouter({ routes: [route(three.apps, { edge: { affinity: true } })] })
    const first = await talk(router.port, ask())
    const [, cookie = '', marks] = cookieOf(first) ?? []
    expect(marks).toBe('Path=/; Max-Age=86400; HttpOnly; SameSite=Lax')
    for (let times = 0; times < 6; times++) {
      const answer = await talk(router.port, ask(`Cookie: a=b; ${cookie}; c=d`))
      expect(dynoOf(answer)).toBe(dynoOf(first))
      expect(cookieOf(answer)).toBeNull()
    }
  })

  it('binds it anew where that dyno is gone, or the cookie is made up', async () => {
    await using three = await dynos()
    await using router = await startRouter({ routes: [route(three.apps, { edge: { affinity: true } })] })
    const [, cookie = ''] = cookieOf(await talk(router.port, ask())) ?? []
    const others = three.apps.filter((_, index) => index > 0)
    router.router.routes.switchTo(route(others, { edge: { affinity: true } }))
    for (const stale of [`Cookie: ${cookie}`, 'Cookie: heroku-session-affinity=x', 'Cookie: heroku-session-affinity']) {
      const answer = await talk(router.port, ask(stale))
      expect(statusOf(answer)).toBe(200)
    }
  })

  it('sets no cookie where it is off', async () => {
    await using three = await dynos()
    await using router = await startRouter({ routes: [route(three.apps)] })
    expect(cookieOf(await talk(router.port, ask()))).toBeNull()
  })
})
