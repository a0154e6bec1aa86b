import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AppId } from '../../../src/model/ids.ts'
import type { TlsIdentity } from '../../../src/router/tls/identity.ts'
import { routeFor } from '../../../src/dynos/route.ts'
import { testAuthority, type TestAuthority } from '../../helpers/certificates.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi, type Json } from '../test-api.ts'

let api: TestApi
let authority: TestAuthority
beforeAll(async () => {
  authority = await testAuthority()
  api = await TestApi.start({ PAAS_DOMAIN: 'paas.host.example' })
})
afterAll(() => api[Symbol.asyncDispose]())

const add = (app: string, hostname: string, more: object = {}, token = api.token) =>
  api.call('POST', `/apps/${app}/domains`, { body: { hostname, ...more }, token })
const names = async (app: string) => {
  const { body } = await api.call('GET', `/apps/${app}/domains`)
  return body.map((domain) => domain['hostname'])
}
const upload = (app: string, { certificate, key }: TlsIdentity) =>
  api.call('POST', `/apps/${app}/sni-endpoints`, { body: { certificate_chain: certificate, private_key: key } })
const certificateOf = async (app: string, hostname: string): Promise<Json | null> =>
  (await api.call('GET', `/apps/${app}/domains/${hostname}`)).body['sni_endpoint']?.['name'] ?? null
const routeOf = (name: string) =>
  routeFor({ store: api.store, domain: 'paas.host.example' }, api.store.apps.find(name)!, {
    ready: [],
    wantsWeb: false,
  })

describe('the domains of an app', () => {
  it('are added, listed, found by name and id, and removed, and each time the router is told', async () => {
    const { id: appId } = await api.createApp('acme')
    await api.takeJobs()
    const { status, body } = await add('acme', 'WWW.Shop.Example.', { sni_endpoint: null })
    expect([status, body]).toMatchObject([
      201,
      {
        hostname: 'www.shop.example',
        cname: 'acme.paas.host.example',
        kind: 'custom',
        status: 'succeeded',
        acm_status: null,
        app: { id: appId, name: 'acme' },
        sni_endpoint: null,
      },
    ])
    expect(await api.takeJobs()).toEqual([{ kind: 'converge', appId }])
    expect(routeOf('acme').hosts).toEqual(['acme.paas.host.example', 'www.shop.example'])
    expect(await names('acme')).toEqual(['acme.paas.host.example', 'www.shop.example'])
    for (const name of ['www.shop.example', 'WWW.shop.EXAMPLE', String(body['id'])]) {
      expect((await api.call('GET', `/apps/acme/domains/${name}`)).body).toEqual(body)
    }
    const own = await api.call('GET', '/apps/acme/domains/acme.paas.host.example')
    expect(own.body).toMatchObject({ kind: 'heroku', cname: null, status: 'none' })
    expect((await api.call('GET', `/apps/acme/domains/${String(own.body['id'])}`)).body).toEqual(own.body)
    const removed = await api.call('DELETE', '/apps/acme/domains/www.shop.example')
    expect([removed.status, removed.body]).toEqual([200, body])
    expect(await api.takeJobs()).toEqual([{ kind: 'converge', appId }])
    expect(await names('acme')).toEqual(['acme.paas.host.example'])
    expect((await api.call('GET', '/apps/acme/domains/www.shop.example')).status).toBe(404)
  })

  it('are kept in ASCII, and may be wildcards', async () => {
    await api.createApp('wide')
    expect((await add('wide', 'Bücher.example')).body['hostname']).toBe('xn--bcher-kva.example')
    expect((await add('wide', '*.shop-wide.example')).body['hostname']).toBe('*.shop-wide.example')
    expect((await add('wide', 'bücher.example')).body['message']).toMatch(/is a domain of wide already/)
    const found = await api.call('GET', `/apps/wide/domains/${encodeURIComponent('bücher.example')}`)
    expect(found.status).toBe(200)
  })

  it('follow the app when it is renamed, and are free at once when it is destroyed', async () => {
    await api.createApp('before')
    await add('before', 'moving.example')
    await api.call('PATCH', '/apps/before', { body: { name: 'after' } })
    expect((await api.call('GET', '/apps/after/domains/moving.example')).body['cname']).toBe('after.paas.host.example')
    await api.call('DELETE', '/apps/after')
    await api.createApp('heir')
    expect((await add('heir', 'moving.example')).status).toBe(201)
  })

  it.each([
    ['', /is not a host name/],
    ['nodot', /needs a dot/],
    ['http://a.example', /leave out scheme, port, path and spaces/],
    ['a.example:80', /leave out scheme, port, path and spaces/],
    ['a b.example', /leave out scheme, port, path and spaces/],
    ['a_b.example', /letters, digits and dashes/],
    ['-a.example', /letters, digits and dashes/],
    ['a..example', /letters, digits and dashes/],
    [`${'a'.repeat(64)}.example`, /is not a host name/],
    [`${'a.'.repeat(130)}example`, /longer than 253|is not a host name/],
    ['127.0.0.1', /is an IP address/],
    ['0x7f.1', /is an IP address/],
    ['1.2.3.4.5', /is not a host name|is an IP address/],
    ['[::1]', /leave out scheme, port, path and spaces/],
    ['a.*.example', /only as its first label/],
    ['*a.example', /only as its first label/],
    ['*.*.example', /only as its first label/],
    ['*.host.example', /is too wide/],
    ['*.com', /needs a dot/],
    ['paas.host.example', /belongs to this server/],
    ['*.paas.host.example', /belongs to this server/],
    ['other.paas.host.example', /belongs to this server/],
    ['a.localhost', /belongs to this server/],
  ])('are not %j', async (hostname, message) => {
    if (!api.store.apps.find('strict')) await api.createApp('strict')
    const { status, body } = await add('strict', hostname)
    expect([status, body['id']]).toEqual([422, 'invalid_params'])
    expect(body['message']).toMatch(message)
    expect(await names('strict')).toEqual(['strict.paas.host.example'])
  })

  it('of one owner are not given to another, nor what is below or above their wildcards', async () => {
    const { token } = api.stranger()
    await api.createApp('victim')
    await api.createApp('sister')
    await api.createApp('taker', token)
    await add('victim', '*.bank.example')
    await add('victim', 'www.post.example')
    for (const name of [
      '*.bank.example',
      'login.bank.example',
      'a.b.bank.example',
      'www.post.example',
      '*.post.example',
    ]) {
      const { status, body } = await add('taker', name, {}, token)
      expect([name, status, body['message']]).toEqual([
        name,
        422,
        `The domain ${JSON.stringify(name)} is in use by another app.`,
      ])
    }
    for (const name of ['bank.example', 'mybank.example', 'post.example']) {
      expect((await add('taker', name, {}, token)).status).toBe(201)
    }
    expect((await add('sister', 'login.bank.example')).status).toBe(201)
  })

  it('are 100 at most, and the app’s own name stays', async () => {
    const { id } = await api.createApp('greedy')
    for (let i = 0; i < 100; i++) {
      api.store.domains.create({ appId: String(id) as AppId, hostname: `n${i}.greedy.example`, sniEndpointId: null })
    }
    expect((await add('greedy', 'one-more.greedy.example')).body['message']).toMatch(/has 100 domains, the limit/)
    const removed = await api.call('DELETE', '/apps/greedy/domains/greedy.paas.host.example')
    expect([removed.status, removed.body['message']]).toEqual([422, expect.stringContaining("app's own name")])
  })
})

describe('the certificates of an app', () => {
  it('are shown with what they are for and how long, never with their keys', async () => {
    const { id: appId } = await api.createApp('shown')
    await api.takeJobs()
    const identity = await authority.issue(['www.shown.example', '*.shown.example'])
    const chain = { ...identity, certificate: identity.certificate + authority.certificate }
    const { status, body } = await upload('shown', chain)
    expect([status, body]).toMatchObject([
      201,
      {
        certificate_chain: chain.certificate,
        domains: [],
        ssl_cert: {
          cert_domains: ['www.shown.example', '*.shown.example'],
          'ca_signed?': false,
          'self_signed?': false,
          subject: '/O=paas',
        },
      },
    ])
    expect(Date.parse(String(body['ssl_cert']!['expires_at']))).toBeGreaterThan(Date.now())
    expect(await api.takeJobs()).toEqual([{ kind: 'converge', appId }])
    const path = '/apps/shown/sni-endpoints'
    expect((await api.call('GET', path)).body).toEqual([body])
    for (const name of [body['id'], body['name']]) {
      const found = await api.call('GET', `${path}/${String(name)}`)
      expect(found.body).toEqual(body)
      expect(found.text).not.toContain('PRIVATE')
    }
    const secret = identity.key.split('\n')[1]!
    for (const file of [api.config.paths.database, `${api.config.paths.database}-wal`]) {
      expect(readFileSync(file, 'latin1')).not.toContain(secret)
    }
    expect((await api.call('DELETE', `${path}/${String(body['name'])}`)).body).toEqual(body)
    expect((await api.call('GET', path)).body).toEqual([])
  })

  it('are given to the domains that they are for, and to the router', async () => {
    await api.createApp('secure')
    for (const name of ['www.secure.example', 'api.secure.example', '*.deep.secure.example']) await add('secure', name)
    const { body: first } = await upload('secure', await authority.issue(['www.secure.example']))
    expect(await certificateOf('secure', 'www.secure.example')).toBe(first['name'])
    expect(await certificateOf('secure', 'api.secure.example')).toBeNull()
    const both = await authority.issue(['*.secure.example', '*.deep.secure.example'])
    const { body: second } = await upload('secure', both)
    expect(await certificateOf('secure', 'www.secure.example')).toBe(first['name'])
    expect(await certificateOf('secure', 'api.secure.example')).toBe(second['name'])
    expect(await certificateOf('secure', '*.deep.secure.example')).toBe(second['name'])
    expect((await add('secure', 'new.secure.example')).body['sni_endpoint']).toMatchObject({ name: second['name'] })
    const { certificates } = routeOf('secure')
    expect(certificates?.map(({ hosts }) => hosts)).toEqual([
      ['www.secure.example'],
      ['*.deep.secure.example', 'api.secure.example', 'new.secure.example'],
    ])
    expect(certificates?.[1]?.key).toBe(both.key)
  })

  it('are chosen for a domain, taken from it, and replaced by others that are for it', async () => {
    await api.createApp('chosen')
    await add('chosen', 'www.chosen.example')
    const { body: wrong } = await upload('chosen', await authority.issue(['other.example']))
    const { body: right } = await upload('chosen', await authority.issue(['www.chosen.example']))
    const path = '/apps/chosen/domains/www.chosen.example'
    const choose = (endpoint: unknown) => api.call('PATCH', path, { body: { sni_endpoint: endpoint } })
    expect((await choose(null)).body['sni_endpoint']).toBeNull()
    expect((await choose(right['name'])).body['sni_endpoint']).toEqual({ id: right['id'], name: right['name'] })
    const refusal = await choose(wrong['id'])
    expect([refusal.status, refusal.body['message']]).toEqual([
      422,
      'The certificate is for other.example, not for www.chosen.example.',
    ])
    expect((await choose('none')).status).toBe(404)
    const update = async (hosts: string[]) => {
      const { certificate, key } = await authority.issue(hosts)
      const body = { certificate_chain: certificate, private_key: key }
      return api.call('PATCH', `/apps/chosen/sni-endpoints/${String(right['name'])}`, { body })
    }
    expect((await update(['other.example'])).status).toBe(422)
    const updated = await update(['www.chosen.example', 'too.example'])
    expect(updated.body['ssl_cert']!['cert_domains']).toEqual(['www.chosen.example', 'too.example'])
    await api.call('DELETE', `/apps/chosen/sni-endpoints/${String(right['name'])}`)
    expect(await certificateOf('chosen', 'www.chosen.example')).toBeNull()
  })

  it('are refused with what is wrong with them', async () => {
    await api.createApp('picky')
    const good = await authority.issue(['www.picky.example'])
    const other = await authority.issue(['www.picky.example'])
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
    const locked = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    })
    const cases: [TlsIdentity, RegExp][] = [
      [{ ...good, key: other.key }, /The private key does not belong to the \(first\) certificate/],
      [{ ...good, certificate: 'hello' }, /is not PEM/],
      [{ ...good, key: 'hello' }, /The private key is not readable PEM/],
      [{ ...good, key: weak.toString() }, /must be RSA with 2048 to 4096 bits, or ECDSA/],
      [{ ...good, key: locked.toString() }, /protected by a passphrase/],
      [await authority.issue(['www.picky.example'], -1), /The certificate expired on 20/],
      [
        { ...good, certificate: authority.certificate + good.certificate },
        /does not belong to the \(first\) certificate/,
      ],
      [{ ...good, certificate: good.certificate + other.certificate }, /Certificate 2 of the chain did not issue/],
      [{ ...good, certificate: good.certificate.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA') }, /cannot be read/],
      [{ ...good, certificate: good.certificate.repeat(11) }, /has 11 certificates; 10 is the limit/],
      [{ ...good, certificate: 'x'.repeat(70_000) }, /longer than 65536 bytes/],
      [{ ...good, key: 'x'.repeat(20_000) }, /longer than 16384 bytes/],
    ]
    for (const [identity, message] of cases) {
      const { status, body } = await upload('picky', identity)
      expect([status, body['id'], body['message']]).toEqual([422, 'invalid_params', expect.stringMatching(message)])
    }
    expect((await upload('picky', { ...good, certificate: 'x'.repeat(2_000_000) })).status).toBe(413)
    expect((await api.call('GET', '/apps/picky/sni-endpoints')).body).toEqual([])
  })

  it('of another app cannot be used', async () => {
    await api.createApp('lender')
    await api.createApp('borrower')
    const { body } = await upload('lender', await authority.issue(['www.borrower.example']))
    const { status } = await add('borrower', 'www.borrower.example', { sni_endpoint: body['id'] })
    expect(status).toBe(404)
    expect(await names('borrower')).toEqual(['borrower.paas.host.example'])
  })

  it.each(['POST', 'PATCH', 'DELETE'])('are not got by the server itself, which says so to %s', async (method) => {
    await api.createApp(`manual-${method.toLowerCase()}`)
    const { status, body } = await api.call(method, `/apps/manual-${method.toLowerCase()}/acm`)
    expect([status, body['message']]).toEqual([422, expect.stringMatching(/does not request certificates/)])
  })
})

it('shows every route of its own', () => expectAllSeen('routing/domains.test.ts'))
