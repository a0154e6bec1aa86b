import { describe, expect, it } from 'vitest'
import { isEdgeUser } from '../../../src/model/edge.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
await api.createApp('acme')
const app = api.store.apps.find('acme')!
const usual = {
  allow: [],
  deny: [],
  users: [],
  body_bytes: null,
  answer_seconds: null,
  idle_seconds: null,
  protocol: 'http1',
}

describe('the edge of an app', () => {
  it('lets everything through until something is set', async () => {
    expect((await api.call('GET', '/apps/acme/edge')).body).toEqual(usual)
  })

  it('is set in parts, and the worker is woken, which tells the router', async () => {
    await api.takeJobs()
    const body = { allow: ['192.0.2.0/24', '2001:db8::/32'], answer_seconds: 120 }
    expect((await api.call('PATCH', '/apps/acme/edge', { body })).body).toEqual({ ...usual, ...body })
    expect(await api.takeJobs()).toContainEqual({ kind: 'converge', appId: app.id })
    await api.call('PATCH', '/apps/acme/edge', { body: { body_bytes: 1000, allow: [] } })
    const rest = { body: { answer_seconds: null } }
    expect((await api.call('PATCH', '/apps/acme/edge', rest)).body).toEqual({ ...usual, body_bytes: 1000 })
  })

  it.each([
    { allow: ['192.0.2.0'] },
    { deny: ['192.0.2.0/33'] },
    { deny: ['example.com'] },
    { allow: 'all' },
    { answer_seconds: 0 },
    { idle_seconds: 3601 },
    { body_bytes: -1 },
    { other: 1 },
    { protocol: 'h2' },
  ])('is not set to %j', async (body) => {
    const before = (await api.call('GET', '/apps/acme/edge')).body
    expect((await api.call('PATCH', '/apps/acme/edge', { body })).status).toBe(422)
    expect((await api.call('GET', '/apps/acme/edge')).body).toEqual(before)
  })
})

describe('a login at the edge', () => {
  const path = '/apps/acme/edge/users'

  it('gets a password that is told once and kept as a hash', async () => {
    const made = await api.call('POST', path, { body: { name: 'staging' } })
    expect(made.status).toBe(201)
    const password = String(made.body['password'])
    expect(password).toMatch(/^[\w-]{24}$/)
    const shown = await api.call('GET', '/apps/acme/edge')
    expect(shown.body['users']).toEqual(['staging'])
    const { users } = api.store.edges.of(app.id)
    expect(JSON.stringify(users) + shown.text).not.toContain(password)
    expect(isEdgeUser(users, 'staging', password)).toBe(true)
    expect((await api.call('POST', path, { body: { name: 'staging' } })).body['password']).not.toBe(password)
    expect(isEdgeUser(api.store.edges.of(app.id).users, 'staging', password)).toBe(false)
  })

  it('may have a password of one’s own, if it is long', async () => {
    const own = (password: string) => api.call('POST', path, { body: { name: 'me@example.com', password } })
    expect((await own('correct horse battery')).body).toEqual({ name: 'me@example.com', password: null })
    expect((await own('short')).status).toBe(422)
    expect((await api.call('POST', path, { body: { name: 'a:b' } })).status).toBe(422)
  })

  it('is removed by its name', async () => {
    expect((await api.call('DELETE', `${path}/staging`)).status).toBe(200)
    expect((await api.call('DELETE', `${path}/staging`)).status).toBe(404)
    expect((await api.call('GET', '/apps/acme/edge')).body['users']).toEqual(['me@example.com'])
  })
})

it('all answers have the shape of their route', () => expectAllSeen('routing/edge.test.ts'))
