import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
for (const name of ['delta', 'alpha', 'charlie', 'bravo']) await api.createApp(name)

describe('an error', () => {
  it.each<[string, string, object, number, string, RegExp]>([
    ['a path that is not ours', 'GET /nothing/here?x=1', {}, 404, 'not_found', /GET \/nothing\/here\.$/],
    ['teams', 'GET /teams/of/mine', {}, 404, 'not_available', /no teams.*heroku access:add/],
    ['an add-on', 'GET /addons/none', {}, 404, 'addon_not_found', /no add-on "none"/],
    ['a pipeline', 'GET /pipeline-couplings', {}, 404, 'not_available', /no pipelines/],
    ['a path that begins like teams', 'GET /teamsters', {}, 404, 'not_found', /GET \/teamsters\.$/],
    [
      'a method a path does not take',
      'PUT /apps/alpha',
      {},
      405,
      'method_not_allowed',
      /takes DELETE, GET, HEAD, PATCH/,
    ],
    ['a body that is no JSON', 'POST /apps', { body: '{"name":' }, 400, 'bad_request', /not valid JSON/],
    [
      'a body of another type',
      'POST /apps',
      { body: 'x', headers: { 'content-type': 'text/plain' } },
      415,
      'media_type_unsupported',
      /application\/json/,
    ],
    [
      'a body over 1 MiB',
      'POST /apps',
      { body: JSON.stringify({ name: 'x'.repeat(2 ** 20) }) },
      413,
      'payload_too_large',
      /1 MiB/,
    ],
    ['a body of 100 MB', 'POST /apps', { body: Buffer.alloc(100_000_000, 'x') }, 413, 'payload_too_large', /1 MiB/],
    ['a body that is a list', 'POST /apps', { body: [] }, 422, 'invalid_params', /must be an? object/],
    [
      'a field nobody knows',
      'POST /apps',
      { body: { nmae: 'x' } },
      422,
      'invalid_params',
      /"nmae" is not known; known are name, region/,
    ],
    [
      'a field of the wrong type',
      'POST /apps',
      { body: { name: 7 } },
      422,
      'invalid_params',
      /name must be a string or null/,
    ],
    ['a field that is missing', 'POST /apps/alpha/dynos', { body: {} }, 422, 'invalid_params', /"command" is missing/],
    ['a prototype in the body', 'POST /apps', { body: '{"__proto__":{"admin":true}}' }, 400, 'bad_request', /JSON/],
    ['an app that is not there', 'GET /apps/nope', {}, 404, 'app_not_found', /"nope".*paas apps/],
    ['a path that is not percent-encoded right', 'GET /apps/%zz', {}, 400, 'bad_request', /percent/],
    ['a NUL in a name', 'GET /apps/%00', {}, 404, 'app_not_found', /app/],
    ['a path of 10,000 characters', `GET /apps/${'x'.repeat(10_000)}`, {}, 404, 'not_found', /too long/],
  ])('for %s', async (_, route, options, status, id, message) => {
    const [method = '', path = ''] = route.split(' ')
    const answer = await api.call(method, path, options)
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/json; charset=utf-8'])
    expect(Object.keys(answer.body)).toEqual(['id', 'message'])
    expect(answer.body['id']).toBe(id)
    expect(String(answer.body['message'])).toMatch(message)
    expect(String(answer.body['message']).length).toBeLessThan(400)
  })

  it('names the methods that are possible', async () => {
    expect((await api.call('PUT', '/apps/alpha')).headers['allow']).toBe('DELETE, GET, HEAD, PATCH')
  })

  it('inside the server says nothing of the inside', async () => {
    await using broken = await TestApi.start()
    broken.store[Symbol.dispose]()
    const { status, body } = await broken.call('GET', '/apps')
    expect([status, body]).toEqual([500, { id: 'internal', message: 'Something went wrong inside the server.' }])
  })

  it('of HTTP itself does not stop the server', async () => {
    for (const garbage of ['GET\r\n\r\n', '\0\0\0', 'POST /apps HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{']) {
      const socket = connect(api.config.paths.apiSocket)
      socket.on('error', () => undefined)
      await new Promise<void>((written) => socket.end(garbage, () => written()))
      socket.destroy()
    }
    expect((await api.call('GET', '/account')).status).toBe(200)
  })
})

describe('a request', () => {
  it('has an id: the one it came with, or a new one', async () => {
    const given = await api.call('GET', '/account', { headers: { 'x-request-id': 'abc-123' } })
    expect(given.headers['request-id']).toBe('abc-123')
    const odd = await api.call('GET', '/account', { headers: { 'x-request-id': 'a b"c' } })
    expect(odd.headers['request-id']).toMatch(/^[0-9a-f-]{36}$/)
  })

  it.each([
    'application/vnd.heroku+json; version=3',
    'application/vnd.heroku+json;version=3',
    'application/vnd.heroku+json; version=3.webhooks; charset=utf8',
    'application/vnd.heroku+json; charset=utf8; version="3.sdk"',
    'text/html, application/vnd.heroku+json',
    'application/json',
    '*/*',
  ])('may accept %j', async (accept) => {
    expect((await api.call('GET', '/account', { headers: { accept } })).status).toBe(200)
  })

  it.each([
    ['2', 'application/vnd.heroku+json; version=2'],
    ['30', 'application/vnd.heroku+json; version=30'],
    ['edge', '*/*, application/vnd.heroku+json; version=edge'],
    ['4', `${'application/vnd.heroku+json;'.repeat(2000)} version=4`],
  ])('that accepts version %s only is told which there is', async (version, accept) => {
    const { status, body } = await api.call('GET', '/account', { headers: { accept } })
    expect([status, body['message']]).toEqual([400, expect.stringContaining(`version 3 of the API, not ${version}.`)])
  })

  it('may have headers of 48 KiB, as those of clients that keep every Request-Id do', async () => {
    const ids = Array.from({ length: 1300 }, () => crypto.randomUUID()).join(',')
    expect((await api.call('GET', '/account', { headers: { 'request-id': ids } })).status).toBe(200)
  })

  it('may carry its token as Bearer, and as the password of Basic with any user', async () => {
    for (const user of ['', 'heroku', 'admin@example.com']) {
      const authorization = `Basic ${Buffer.from(`${user}:${api.token}`).toString('base64')}`
      expect((await api.call('GET', '/account', { token: null, headers: { authorization } })).status).toBe(200)
    }
  })

  it('with a JSON type and no body is one without a body', async () => {
    const headers = { 'content-type': 'application/json' }
    expect((await api.call('DELETE', '/apps/delta/dynos', { headers })).status).toBe(202)
    expect((await api.call('POST', '/apps', { headers })).status).toBe(201)
  })

  it('for something unchanged is answered with 304 and nothing else', async () => {
    const first = await api.call('GET', '/apps/alpha')
    const etag = String(first.headers['etag'])
    const again = await api.call('GET', '/apps/alpha', { headers: { 'if-none-match': etag } })
    expect([again.status, again.text]).toEqual([304, ''])
    await api.call('PATCH', '/apps/alpha', { body: { maintenance: true } })
    expect((await api.call('GET', '/apps/alpha', { headers: { 'if-none-match': etag } })).status).toBe(200)
  })
})

describe('a list', () => {
  const apps = (range: string) => api.call('GET', '/apps', { headers: { range } })
  const names = ({ body }: Awaited<ReturnType<typeof apps>>) => body.map((app) => app['name'] as unknown as string)

  it.each([
    ['name ..', 'alpha bravo charlie delta'],
    ['name ..; order=desc', 'delta charlie bravo alpha'],
    ['name bravo..charlie', 'bravo charlie'],
    ['name ]bravo..; order=asc', 'charlie delta'],
    ['name ]charlie..; order=desc', 'bravo alpha'],
    ['name ..bravo; order=desc', 'delta charlie bravo'],
    ['name zulu..', ''],
    ['bytes=0-10', 'alpha bravo charlie delta'],
    ['', 'alpha bravo charlie delta'],
  ])('asked for as %j has %j', async (range, expected) => {
    const answer = await apps(range)
    expect(
      names(answer)
        .filter((name) => !/\d/.test(name))
        .join(' '),
    ).toBe(expected)
  })

  it.each(['name ..; max=2, order=desc', 'name ..;order=desc,max=2;', 'name ..; order=desc; max=2'])(
    'comes in pages: %j',
    async (range) => {
      const first = await apps(range)
      expect(first.status).toBe(206)
      const next = String(first.headers['next-range'])
      const second = await apps(next)
      const all = names(await apps('name ..; order=desc'))
      expect([...names(first), ...names(second)]).toEqual(all.slice(0, 4))
      const last = await apps(`${next.replace('max=2', 'max=1000')}`)
      expect([last.status, last.headers['next-range']]).toEqual([200, undefined])
    },
  )

  it.each([
    ['email ..', /cannot order by email; supported are name, id, updated_at, created_at/],
    ['name ..; max=0', /max must be from 1 to 1000/],
    ['name ..; max=x', /max must be/],
  ])('cannot be asked for as %j', async (range, message) => {
    const { status, body } = await apps(range)
    expect([status, body['id']]).toEqual([400, 'bad_request'])
    expect(String(body['message'])).toMatch(message)
  })

  it.each(['id', 'created_at', 'updated_at', 'name'])(
    'by %s comes whole and in its order, page by page, also where values are the same',
    async (field) => {
      const all = (await apps(`${field} ..`)).body
      const pages: unknown[] = []
      for (let range: string | undefined = `${field} ..; max=1`; range;) {
        const { headers, body } = await apps(range)
        pages.push(body)
        range = headers['next-range'] as string | undefined
      }
      expect(pages.flat()).toEqual(all)
    },
  )

  it.each<[string, string[]]>([
    ['/apps/alpha/domains', ['hostname', 'id', 'created_at', 'updated_at']],
    ['/apps/alpha/builds', ['created_at', 'started_at', 'id', 'updated_at']],
    ['/apps/alpha/releases', ['version', 'id', 'created_at', 'updated_at']],
    ['/apps/alpha/formation', ['type', 'id', 'created_at', 'updated_at']],
    ['/apps/alpha/collaborators', ['email', 'id']],
    ['/apps/alpha/log-drains', ['created_at', 'id', 'updated_at']],
    ['/apps/alpha/webhooks', ['created_at', 'id', 'updated_at']],
    ['/account/keys', ['id', 'fingerprint', 'created_at']],
    ['/account/features', ['name', 'id']],
    ['/oauth/authorizations', ['id', 'created_at', 'updated_at']],
    ['/teams', ['name', 'id', 'created_at']],
    ['/dyno-sizes', ['name', 'id']],
    ['/stacks', ['name', 'id', 'created_at', 'updated_at']],
  ])('%s takes ranges by %j', async (path, fields) => {
    for (const field of fields) {
      const { status } = await api.call('GET', path, { headers: { range: `${field} ..; max=1000` } })
      expect([field, [200, 206].includes(status)]).toEqual([field, true])
    }
  })

  it('of numbers is ordered and cut by number', async () => {
    for (let count = 0; count < 11; count += 1) {
      await api.call('PATCH', '/apps/alpha/config-vars', { body: { A: String(count) } })
    }
    const { body } = await api.call('GET', '/apps/alpha/releases', { headers: { range: 'version 9..; max=4' } })
    expect(body.map((release) => release['version'])).toEqual([9, 10, 11, 12])
    const wrong = await api.call('GET', '/apps/alpha/releases', { headers: { range: 'version x..' } })
    expect([wrong.status, wrong.body['message']]).toEqual([400, 'Range: "x" is not a number.'])
  })
})
