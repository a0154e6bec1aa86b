import { describe, expect, it } from 'vitest'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()

let count = 0
/** An app offered by its owner to somebody, and a stranger. */
async function offer() {
  count += 1
  const [owner, recipient, stranger] = ['owner', 'recipient', 'stranger'].map((name) =>
    api.stranger(`${name}-${count}@example.com`),
  ) as [ReturnType<TestApi['stranger']>, ReturnType<TestApi['stranger']>, ReturnType<TestApi['stranger']>]
  const name = `offered-${count}`
  await api.createApp(name, owner.token)
  const body = { app: name, recipient: recipient.account.email }
  const made = await api.call('POST', '/account/app-transfers', { token: owner.token, body })
  expect([made.status, made.body['state']]).toEqual([201, 'pending'])
  const path = `/account/app-transfers/${String(made.body['id'])}`
  return { owner, recipient, stranger, name, path, body, app: () => api.store.apps.find(name)! }
}
const settle = (path: string, token: string, state: unknown) => api.call('PATCH', path, { token, body: { state } })

describe('a transfer', () => {
  it('gives the app to its recipient once they accept; who owned it stays its admin', async () => {
    const { owner, recipient, name, path, app } = await offer()
    api.store.collaborators.set(app().id, recipient.account.id, 'view')
    expect(app().ownerId).toBe(owner.account.id)
    const accepted = await settle(path, recipient.token, 'accepted')
    expect([accepted.status, accepted.body['state']]).toEqual([200, 'accepted'])
    expect(app().ownerId).toBe(recipient.account.id)
    await expect.poll(() => api.logOf(name)).toContain(`Transfer to ${recipient.account.email} by user`)
    const { body } = await api.call('GET', `/apps/${name}/collaborators`, { token: recipient.token })
    expect(body.map((one) => [one['user']!['email'], one['role']])).toEqual([
      [owner.account.email, 'admin'],
      [recipient.account.email, 'owner'],
    ])
    const again = { app: name, recipient: owner.account.email }
    expect((await api.call('POST', '/account/app-transfers', { token: owner.token, body: again })).status).toBe(403)
    expect((await api.call('POST', '/account/app-transfers', { token: recipient.token, body: again })).status).toBe(201)
  })

  it('changes nothing when it is declined', async () => {
    const { owner, recipient, path, app, stranger, name } = await offer()
    expect((await settle(path, recipient.token, 'declined')).body['state']).toBe('declined')
    expect(app().ownerId).toBe(owner.account.id)
    const late = await settle(path, recipient.token, 'accepted')
    expect([late.status, late.body['message']]).toEqual([422, expect.stringContaining('it was declined')])
    const body = { app: name, recipient: stranger.account.email }
    expect((await api.call('POST', '/account/app-transfers', { token: owner.token, body })).status).toBe(201)
  })

  it('is seen by both, by its id and the name of the app, and by nobody else', async () => {
    const { owner, recipient, stranger, path, name } = await offer()
    for (const { token } of [owner, recipient]) {
      expect((await api.call('GET', '/account/app-transfers', { token })).body).toHaveLength(1)
      const [byId, byName] = [path, `/account/app-transfers/${name}`]
      expect((await api.call('GET', byId, { token })).body).toEqual((await api.call('GET', byName, { token })).body)
    }
    expect((await api.call('GET', '/account/app-transfers', { token: stranger.token })).body).toEqual([])
    for (const method of ['GET', 'DELETE']) {
      expect((await api.call(method, path, { token: stranger.token })).status).toBe(404)
    }
    expect((await settle(path, stranger.token, 'accepted')).status).toBe(404)
  })

  it('is taken back by who made it only, and accepted by who was sent it only', async () => {
    const { owner, recipient, path, app } = await offer()
    expect((await settle(path, owner.token, 'accepted')).status).toBe(403)
    expect((await api.call('DELETE', path, { token: recipient.token })).status).toBe(403)
    expect((await api.call('DELETE', path, { token: owner.token })).status).toBe(200)
    expect((await settle(path, recipient.token, 'accepted')).status).toBe(404)
    expect(app().ownerId).toBe(owner.account.id)
  })

  it('may be made, seen and taken back by an admin for an owner who is gone, but not accepted', async () => {
    const { owner, recipient, path, name, app } = await offer()
    expect((await settle(path, api.token, 'accepted')).status).toBe(403)
    expect((await api.call('DELETE', path)).status).toBe(200)
    const body = { app: name, recipient: recipient.account.email }
    const made = await api.call('POST', '/account/app-transfers', { body })
    expect([made.status, made.body['owner']!['email']]).toEqual([201, owner.account.email])
    expect((await settle(`/account/app-transfers/${name}`, recipient.token, 'accepted')).status).toBe(200)
    expect(app().ownerId).toBe(recipient.account.id)
  })

  it('goes with its app', async () => {
    const { owner, recipient, name, path } = await offer()
    expect((await api.call('DELETE', `/apps/${name}`, { token: owner.token })).status).toBe(200)
    expect((await settle(path, recipient.token, 'accepted')).status).toBe(404)
  })
})

describe('is refused', () => {
  it.each<[string, (all: Awaited<ReturnType<typeof offer>>) => unknown, number, RegExp]>([
    ['a second one of the app', ({ body }) => body, 422, /pending already.*transfers:cancel/],
    ['one to nobody', ({ name }) => ({ app: name, recipient: 'nobody@example.com' }), 404, /no account "nobody/],
    [
      'one to the owner',
      ({ name, owner }) => ({ app: name, recipient: owner.account.email }),
      422,
      /owns offered-\d+ already/,
    ],
    ['one of no app', ({ body }) => ({ ...body, app: 'nothing' }), 404, /no app "nothing"/],
    ['one without a recipient', ({ name }) => ({ app: name }), 422, /"recipient" is missing/],
  ])('%s', async (_, body, status, message) => {
    const all = await offer()
    const answer = await api.call('POST', '/account/app-transfers', { token: all.owner.token, body: body(all) })
    expect([answer.status, answer.body['message']]).toEqual([status, expect.stringMatching(message)])
  })

  it.each([
    ['admin', 403],
    [undefined, 404],
  ] as const)('one by a collaborator with the role %s', async (role, status) => {
    const { stranger, app, body } = await offer()
    if (role) api.store.collaborators.set(app().id, stranger.account.id, role)
    const asked = { ...body, recipient: stranger.account.email }
    const answer = await api.call('POST', '/account/app-transfers', { token: stranger.token, body: asked })
    expect(answer.status).toBe(status)
  })

  it('a verdict there is none of', async () => {
    const { recipient, path } = await offer()
    expect((await settle(path, recipient.token, 'stolen')).body['message']).toContain(
      'must be one of accepted, declined',
    )
  })
})

it('shows every route of its own', () => expectAllSeen('apps/app-transfers.test.ts'))
