import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { flush, packet, PacketParser } from '../../src/git/pkt-line.ts'
import type { App } from '../../src/model/app.ts'
import { gitEnvironment, run } from '../helpers/repository.ts'
import { startGitHost, type GitHost } from './git-host.ts'
import { openRaw, rawRequest, type RawRequest } from './raw-http.ts'

/** What node-git-server does not survive, or lets through, when it faces a socket. */

let host: GitHost
let app: App
beforeAll(async () => {
  host = await startGitHost({ packBytes: 2 ** 20 })
  app = host.newApp()
})
afterAll(() => host?.[Symbol.asyncDispose]())

const media = 'application/x-git-receive-pack-request'
const oid = (digit: string): string => digit.repeat(40)
const line = (ref: string, extra = ''): Buffer =>
  packet(`${oid('0')} ${oid('1')} ${ref}\0report-status side-band-64k${extra}`)

function basic(secret = host.owner.secret, user = 'git'): string {
  return `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`
}

/** A POST to receive-pack as git makes it, but for what is given. */
function post(request: Partial<RawRequest> = {}): RawRequest {
  return {
    method: 'POST',
    path: `/${app.name}.git/git-receive-pack`,
    body: [Buffer.concat([line('refs/heads/main'), flush])],
    ...request,
    headers: { authorization: basic(), 'content-type': media, ...request.headers },
  }
}

function refs(request: Partial<RawRequest> = {}, name = app.name): RawRequest {
  const headers = { authorization: basic(), ...request.headers }
  return { path: `/${name}.git/info/refs?service=git-receive-pack`, ...request, headers }
}

describe('every request is authenticated', () => {
  it('the tokens of an account that is disabled open nothing, from that moment on', async () => {
    const { id } = host.owner.account
    const status = async () => (await rawRequest(host.port, refs())).status
    expect(await status()).toBe(200)
    host.store.accounts.suspend(id)
    expect(await status()).toBe(401)
    host.store.accounts.restore(id)
    expect(await status()).toBe(200)
  })

  it.each([
    ['no Authorization', {}],
    ['Basic without a token', { authorization: 'Basic' }],
    ['Basic with a space and nothing', { authorization: 'Basic ' }],
    ['Basic with no colon in it', { authorization: `Basic ${Buffer.from('git').toString('base64')}` }],
    ['Basic with an empty password', { authorization: `Basic ${Buffer.from('git:').toString('base64')}` }],
    ['Basic with a wrong token', { authorization: `Basic ${Buffer.from('git:wrong').toString('base64')}` }],
    ['Bearer with a wrong token', { authorization: 'Bearer wrong' }],
    ['another scheme', { authorization: 'Digest username="git"' }],
    ['bytes that are no text', { authorization: 'Basic \u00ff\u00fe' }],
  ])('%s is answered 401, for GET and POST alike', async (_, headers) => {
    const { path } = refs()
    for (const request of [
      { path, headers },
      { ...post(), headers: { 'content-type': media, ...headers } },
    ]) {
      const answer = await rawRequest(host.port, request)
      expect(answer.status).toBe(401)
      expect(answer.head).toContain('WWW-Authenticate: Basic realm="paas"')
      expect(answer.body.toString()).toMatch(/^[^\n]+paas login \(unauthorized\)\n$/)
    }
  })

  it('by Basic with any user name, or by Bearer, in any case', async () => {
    const { secret } = host.owner
    const headers = [basic(secret), basic(secret, ''), basic(secret, 'a@b.c'), `Bearer ${secret}`, `bearer ${secret}`]
    for (const authorization of headers) {
      expect((await rawRequest(host.port, refs({ headers: { authorization } }))).status).toBe(200)
    }
  })

  it('and a token that has expired is none', async () => {
    const { account } = host.owner
    const expiresAt = new Date(Date.now() - 1000)
    const { secret } = host.store.tokens.create({
      accountId: account.id,
      description: '',
      scope: ['global'],
      expiresAt,
    })
    expect((await rawRequest(host.port, refs({ headers: { authorization: basic(secret) } }))).status).toBe(401)
  })
})

describe('every request is authorised', () => {
  it('somebody else’s app is answered exactly like one there is not', async () => {
    const { secret } = host.newUser('stranger@example.com')
    const headers = { authorization: basic(secret) }
    const [theirs, none] = await Promise.all([
      rawRequest(host.port, refs({ headers })),
      rawRequest(host.port, refs({ headers }, 'nothing-here')),
    ])
    expect(theirs.status).toBe(404)
    expect(none.status).toBe(404)
    expect(theirs.body.toString().replaceAll(app.name, 'nothing-here')).toBe(none.body.toString())
    expect((await rawRequest(host.port, post({ headers }))).status).toBe(404)
  })

  it('an administrator may push to every app', async () => {
    const { secret } = host.newUser('admin@example.com', { admin: true })
    expect((await rawRequest(host.port, refs({ headers: { authorization: basic(secret) } }))).status).toBe(200)
  })

  it.each([
    ['view', 403, 'your role is view, and this needs deploy. (forbidden)'],
    ['deploy', 200, 'refs'],
    ['admin', 200, 'refs'],
  ] as const)('a collaborator with the role %s gets %i for a push and for a clone', async (role, status, text) => {
    const { account, secret } = host.newUser(`has-${role}@example.com`)
    host.store.collaborators.set(app.id, account.id, role)
    const headers = { authorization: basic(secret) }
    const push = await rawRequest(host.port, refs({ headers }))
    const clone = await rawRequest(host.port, {
      path: `/${app.name}.git/info/refs?service=git-upload-pack`,
      headers,
    })
    expect([push.status, clone.status]).toEqual([status, status])
    const answered = push.body.toString()
    expect(status === 200 ? answered.replace('service=git-receive-pack', 'refs') : answered).toContain(text)
    expect((await rawRequest(host.port, post({ headers }))).status === 403).toBe(status === 403)
  })

  it.each([
    ['read', 403, 200],
    ['write', 200, 200],
    ['identity', 403, 403],
  ])('a token of scope %s gets %i for a push and %i for a clone', async (scope, push, clone) => {
    const { account } = host.owner
    const { secret } = host.store.tokens.create({ accountId: account.id, description: '', scope: [scope] })
    const headers = { authorization: basic(secret) }
    expect((await rawRequest(host.port, refs({ headers }))).status).toBe(push)
    const upload = { path: `/${app.name}.git/info/refs?service=git-upload-pack`, headers }
    expect((await rawRequest(host.port, upload)).status).toBe(clone)
  })
})

describe('only the paths git uses lead to a repository', () => {
  it.each([
    ['//dir/x/HEAD', 'GET'],
    ['//dir.git/x/HEAD', 'GET'],
    ['/APP.git/HEAD', 'GET'],
    ['/APP.git/config', 'GET'],
    ['/APP.git/objects/info/packs', 'GET'],
    ['//APP.git/info/refs?service=git-receive-pack', 'GET'],
    ['/APP.git//info/refs?service=git-receive-pack', 'GET'],
    ['/APP.git/../APP.git/info/refs?service=git-receive-pack', 'GET'],
    ['/APP.git/info/refs', 'GET'],
    ['/APP.git/info/refs?service=git-shell', 'GET'],
    ['/APP.git/info/refs?service=git-receive-pack&service=git-upload-pack', 'GET'],
    ['/APP/info/refs?service=git-receive-pack', 'GET'],
    ['/APP/git-receive-pack', 'POST'],
    ['/..%2fAPP.git/info/refs?service=git-receive-pack', 'GET'],
    ['/%2e%2e/APP.git/info/refs?service=git-receive-pack', 'GET'],
    ['/x/APP.git/info/refs?service=git-receive-pack', 'GET'],
    ['/APP.git/git-receive-pack', 'GET'],
    ['/APP.git/git-receive-pack/', 'POST'],
    ['/APP.git/git-receive-pack?x', 'POST'],
    ['/APP.git/git-upload-archive', 'POST'],
    ['/APP.git/info/refs?service=git-receive-pack', 'POST'],
    ['/APP.git/info/refs?service=git-receive-pack', 'HEAD'],
    ['/APP.git/git-receive-pack', 'PUT'],
    ['http://[::1/APP.git/info/refs?service=git-receive-pack', 'GET'],
    ['http://[::1/', 'GET'],
  ])('%s by %s is refused', async (path, method) => {
    const before = await readdir(host.directory)
    const answer = await rawRequest(host.port, { ...post(), path: path.replaceAll('APP', app.name), method })
    expect([400, 404, 405, 418]).toContain(answer.status)
    expect(await readdir(host.directory)).toEqual(before)
  })

  it('whatever parameters are there beside the service', async () => {
    for (const query of ['service=git-receive-pack&x=1', 'x=1&service=git-receive-pack']) {
      const answer = await rawRequest(host.port, refs({ path: `/${app.name}.git/info/refs?${query}` }))
      expect(answer.status).toBe(200)
    }
  })

  it('and an address without .git is answered with the right one', async () => {
    const url = `http://127.0.0.1:${host.port}/${app.name}`
    const { output } = await run('git', ['ls-remote', url], { env: gitEnvironment() })
    expect(output).toContain(
      `remote: The URL of a repository ends in .git: use ${app.name}.git. ` +
        'Correct it with: git remote set-url REMOTE URL (not_found)',
    )
  })

  it('and an app is not found by its id', async () => {
    expect((await rawRequest(host.port, refs({}, app.id))).status).toBe(404)
  })
})

describe('a request that node-git-server would not survive', () => {
  it.each([
    ['a Content-Encoding it takes for a property', { headers: { 'content-encoding': 'constructor' } }, 415],
    ['deflate', { headers: { 'content-encoding': 'deflate' } }, 415],
    ['another content type', { headers: { 'content-type': 'text/plain' } }, 415],
    ['corrupt gzip', { headers: { 'content-encoding': 'gzip' }, body: ['not gzip at all'] }, 400],
    [
      'gzip cut short',
      { headers: { 'content-encoding': 'gzip' }, body: [gzipSync(line('refs/heads/main')).subarray(0, 20)] },
      400,
    ],
    ['an empty body', { body: [] }, 400],
    ['an empty chunked body', { body: [], framing: 'chunked' as const }, 400],
    ['packets that are none', { body: ['zzzz'.repeat(100)] }, 400],
    ['a length that is none', { body: ['0003'] }, 400],
    ['a line that is no command', { body: [packet('hello'), flush] }, 400],
    ['a ref with a newline', { body: [line('refs/heads/a\nb'), flush] }, 400],
    ['65 KB of hex', { body: ['f'.repeat(65_520)] }, 400],
    ['a ref of 60 KB', { body: [line(`refs/heads/${'f'.repeat(60_000)}`), flush] }, 400],
    [
      'a list of 4 MiB without a ref',
      {
        body: [
          packet(`shallow ${oid('1')}`)
            .toString()
            .repeat(90_000),
        ],
      },
      413,
    ],
    [
      '5 MB to an app there is not',
      { path: '/nothing-here.git/git-receive-pack', body: [randomBytes(5 * 2 ** 20)] },
      404,
    ],
  ])('%s is refused, and the server goes on', async (_, request, status) => {
    const parsing = vi.spyOn(PacketParser.prototype, 'next')
    expect((await rawRequest(host.port, post(request))).status).toBe(status)
    // A list is read once, however many pieces it comes in: 4 MiB have 90,000 packets.
    expect(parsing.mock.calls.length).toBeLessThan(100_000)
    parsing.mockRestore()
    expect((await rawRequest(host.port, refs())).status).toBe(200)
  })

  it.each([
    ['receive-pack', 'heads'],
    ['upload-pack', 'want'],
  ])('what unfolds from gzip beyond the limit is cut off (%s)', async (service, beginning) => {
    const bomb = gzipSync(Buffer.concat([Buffer.from(beginning), Buffer.alloc(64 * 2 ** 20)]))
    const path = `/${app.name}.git/git-${service}`
    const headers = { 'content-encoding': 'gzip', 'content-type': `application/x-git-${service}-request` }
    const answer = await rawRequest(host.port, post({ path, headers, body: [bomb] }))
    expect([400, 413]).toContain(answer.status)
  })
})

describe('the list of refs', () => {
  const list = Buffer.concat([line('refs/heads/feature'), packet(`${oid('0')} ${oid('1')} refs/tags/x`), flush])
  const pack = Buffer.from('5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e', 'hex')

  it.each([
    ['in one piece', [Buffer.concat([list, pack])]],
    ['byte by byte', Array.from(Buffer.concat([list, pack]), (byte) => Buffer.from([byte]))],
    ['cut in its first length', [list.subarray(0, 3), list.subarray(3), pack]],
    ['cut at its flush', [list.subarray(0, -2), list.subarray(-2), pack]],
  ])('is read as well %s', async (_, body) => {
    for (const framing of ['length', 'chunked'] as const) {
      const answer = await rawRequest(host.port, post({ body, framing }))
      expect(answer.status).toBe(200)
      expect(answer.head).toContain('Content-Type: application/x-git-receive-pack-result')
      expect(answer.body.toString()).toMatch(/ng refs\/heads\/feature .*ng refs\/tags\/x /s)
    }
  })

  it('is understood compressed', async () => {
    const body = [gzipSync(Buffer.concat([list, pack]))]
    const answer = await rawRequest(host.port, post({ body, headers: { 'content-encoding': 'gzip' } }))
    expect(answer.body.toString()).toMatch(/ng refs\/heads\/feature /)
  })

  it('may be the empty one git sends to learn whether it is let in', async () => {
    const answer = await rawRequest(host.port, post({ body: [flush] }))
    expect(answer.status).toBe(200)
    expect(answer.body.toString()).toBe('')
    expect((await rawRequest(host.port, post({ body: [flush], headers: { authorization: 'x' } }))).status).toBe(401)
  })
})

describe('limits', () => {
  it('a client that stops sending is told so, and its git ends', async () => {
    await using own = await startGitHost({ limits: { idleMs: 300 } })
    const { name } = own.newApp()
    const request = post({ path: `/${name}.git/git-receive-pack`, headers: { authorization: basic(own.owner.secret) } })
    const inHead = await rawRequest(own.port, { ...request, body: ['00'], framing: 100 })
    expect(inHead.status).toBe(408)
    const inPack = await rawRequest(own.port, { ...request, framing: 1000 })
    expect(inPack.body.toString()).toContain('ng refs/heads/main The request paused for 0.3 s, the limit.')
  })

  it('a client that sends for ever is told so', async () => {
    await using own = await startGitHost({ limits: { totalMs: 500 } })
    const { name } = own.newApp()
    const request = post({ path: `/${name}.git/git-receive-pack`, headers: { authorization: basic(own.owner.secret) } })
    const answer = await rawRequest(own.port, { ...request, framing: 1000 })
    expect(answer.body.toString()).toContain('ng refs/heads/main The request took longer than 0.5 s, the limit.')
  })

  it.each([
    ['app', { perApp: 1 }, /1 pushes and fetches of app-1 are in progress/],
    ['account', { perAccount: 1 }, /1 pushes and fetches of owner@example.com are in progress/],
  ])('so many pushes at once per %s and no more', async (_, limits, said) => {
    await using own = await startGitHost({ limits })
    const { promise, resolve } = Promise.withResolvers<'succeeded'>()
    await using project = await own.newProject(() => promise)
    const first = project.repository.git('push', 'paas', 'main')
    await expect.poll(() => own.builds.started.length).toBe(1)
    const headers = { authorization: basic(own.owner.secret) }
    const advertised = await rawRequest(own.port, refs({ headers }, project.app.name))
    expect(advertised.status).toBe(429)
    expect(advertised.body.toString()).toMatch(said)
    const second = await rawRequest(own.port, post({ path: `/${project.app.name}.git/git-receive-pack`, headers }))
    expect(second.body.toString()).toMatch(/ng refs\/heads\/main 1 pushes/)
    resolve('succeeded')
    expect((await first).code).toBe(0)
    expect((await rawRequest(own.port, refs({ headers }, project.app.name))).status).toBe(200)
  })

  it('twenty of a thousand pushes that never say what they push, and everybody else goes on', async () => {
    await using project = await host.newProject()
    const path = `/${project.app.name}.git/git-receive-pack`
    const headers = { authorization: basic(host.owner.secret) }
    const open = await Promise.all(
      Array.from({ length: 1000 }, () => openRaw(host.port, post({ path, headers, body: ['00'], framing: 1000 }))),
    )
    const oneMore = () => rawRequest(host.port, post({ path, headers }))
    await expect.poll(async () => (await oneMore()).body.toString()).toContain('20 pushes that have not begun of app-')
    const other = await host.newProject()
    expect((await other.repository.git('push', 'paas', 'main')).code).toBe(0)
    for (const socket of open) socket.destroy()
    await expect.poll(async () => (await oneMore()).status).toBe(200)
  })
})
