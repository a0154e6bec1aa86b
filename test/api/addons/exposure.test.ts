import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AddonId } from '../../../src/model/ids.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

let api: TestApi
let names = 0

beforeAll(async () => {
  api = await TestApi.start({ PAAS_DATA_PORTS: '15432-15433' })
})
afterAll(() => api[Symbol.asyncDispose]())

/** One that is there, of an app of its own. */
async function ready(plan = 'heroku-postgresql'): Promise<{ app: string; id: string }> {
  const app = `open-${++names}`
  await api.createApp(app)
  const { body } = await api.call('POST', `/apps/${app}/addons`, { body: { plan } })
  api.store.addons.setState(body['id'] as unknown as AddonId, { kind: 'provisioned', work: null })
  return { app, id: String(body['id']) }
}

async function expose(id: string, networks: unknown, token?: string) {
  const answer = await api.call('POST', `/addons/${id}/actions/expose`, { body: { networks }, ...(token && { token }) })
  return {
    status: answer.status,
    id: answer.body['id'],
    message: answer.body['message'],
    exposed: answer.body['exposed'],
  }
}

const close = (id: string) => api.call('POST', `/addons/${id}/actions/unexpose`, { body: {} })

describe('a database', () => {
  it('is opened to named networks at a port that it keeps, and closed again', async () => {
    const { app, id } = await ready()
    expect((await api.call('GET', `/addons/${id}/exposure`)).body['exposed']).toBeNull()
    const first = await expose(id, ['203.0.113.7', '2001:db8::/48', '203.0.113.7/32'])
    expect(first.exposed).toMatchObject({
      host: 'localhost',
      port: 15_432,
      networks: ['203.0.113.7/32', '2001:db8::/48'],
    })
    expect(first.exposed?.['url']).toMatch(/^postgres:\/\/u\w+:p\w+@localhost:15432\/d\w+\?sslmode=verify-full$/)
    expect((await expose(id, ['198.51.100.0/24'])).exposed).toMatchObject({
      port: 15_432,
      networks: ['198.51.100.0/24'],
    })
    expect((await api.call('GET', `/apps/${app}/exposures`)).body).toMatchObject([
      { port: 15_432, networks: ['198.51.100.0/24'] },
    ])
    expect((await close(id)).body['exposed']).toBeNull()
    expect((await api.call('GET', `/apps/${app}/exposures`)).body).toEqual([])
  })

  it('gets a port of its own, as long as there are some', async () => {
    const [one, other, third] = [await ready(), await ready('redis'), await ready('rabbitmq')]
    expect((await expose(one.id, ['192.0.2.1'])).exposed).toMatchObject({ port: 15_432 })
    expect((await expose(other.id, ['192.0.2.1'])).exposed?.['url']).toMatch(
      /^rediss:\/\/default:p\w+@localhost:15433$/,
    )
    expect(await expose(third.id, ['192.0.2.1'])).toMatchObject({ status: 422, id: 'not_exposable' })
    await close(one.id)
    expect((await expose(third.id, ['192.0.2.1'])).exposed?.['url']).toMatch(/^amqps:\/\/.*:15432\/d\w+$/)
    await Promise.all([close(other.id), close(third.id)])
  })

  it.each([
    ['nobody', []],
    ['the Internet', ['0.0.0.0/0']],
    ['half of it', ['128.0.0.0/1']],
    ['all of IPv6', ['::/0']],
    ['a host name', ['example.com']],
    ['an address that is none', ['256.1.1.1']],
    ['a prefix that is none', ['10.0.0.0/33']],
    ['a zone', ['fe80::1%eth0']],
    ['a text of a shell', ['$(id)/24']],
    ['too many', Array.from({ length: 21 }, (_, n) => `192.0.2.${n}`)],
    ['a number', [5]],
  ])('is not opened to %s', async (_, networks) => {
    const { app, id } = await ready()
    expect(await expose(id, networks)).toMatchObject({ status: 422, id: 'invalid_params' })
    expect((await api.call('GET', `/apps/${app}/exposures`)).body).toEqual([])
  })

  it('is opened and closed by admins of its app alone', async () => {
    const { app, id } = await ready()
    const { account, token } = api.stranger('deployer@example.com')
    expect(await expose(id, ['192.0.2.1'], token)).toMatchObject({ status: 404 })
    api.store.collaborators.set(api.store.apps.find(app)!.id, account.id, 'deploy')
    expect(await expose(id, ['192.0.2.1'], token)).toMatchObject({ status: 403, id: 'forbidden' })
    expect((await api.call('GET', `/addons/${id}/exposure`, { token })).status).toBe(403)
  })

  it.each(['memcached'])('of %s has no way to be reached safely', async (plan) => {
    const { id } = await ready(plan)
    expect(await expose(id, ['192.0.2.1'])).toMatchObject({ status: 422, id: 'not_exposable' })
  })

  it('of a server without ports for it stays closed', async () => {
    await using other = await TestApi.start()
    await other.createApp('closed')
    const { body } = await other.call('POST', '/apps/closed/addons', { body: { plan: 'redis' } })
    other.store.addons.setState(body['id'] as unknown as AddonId, { kind: 'provisioned', work: null })
    const path = `/addons/${String(body['id'])}/actions/expose`
    const { body: refused } = await other.call('POST', path, { body: { networks: ['192.0.2.1'] } })
    expect(refused).toMatchObject({ id: 'not_exposable', message: expect.stringContaining('PAAS_DATA_PORTS') })
  })
})

it('shows every route of its own', () => expectAllSeen('addons/exposure.test.ts'))
