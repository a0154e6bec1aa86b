import { describe, expect, it } from 'vitest'
import type { Account } from '../../../src/model/account.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi, type Json } from '../test-api.ts'

const api = await TestApi.forFile()

type Person = { account: Account; token: string }
let count = 0
const person = (name: string): Person => api.stranger(`${name}-${++count}@example.com`)

/** An app with its owner and one collaborator of each role. */
async function team(name: string): Promise<Record<'owner' | 'admin' | 'deploy' | 'view', Person>> {
  const [owner, admin, deploy, view] = [person('owner'), person('admin'), person('deploy'), person('view')]
  await api.createApp(name, owner.token)
  for (const [role, { account }] of Object.entries({ admin, deploy, view })) {
    const body = { user: account.email, role }
    const added = await api.call('POST', `/apps/${name}/collaborators`, { token: owner.token, body })
    expect(added.status).toBe(201)
  }
  return { owner, admin, deploy, view }
}

const permissionsIn = (collaborator: Json) =>
  (collaborator['permissions'] ?? ([] as unknown as Json)).map((p) => p['name'])

describe('a collaborator', () => {
  it('is listed beside the owner, with the permissions that Heroku has', async () => {
    const { owner } = await team('listed')
    const { body } = await api.call('GET', '/apps/listed/collaborators', { token: owner.token })
    expect(
      body.map((one) => [String(one['user']!['email']).split('-')[0], one['role'], permissionsIn(one).join()]),
    ).toEqual([
      ['admin', 'admin', 'view,deploy,operate,manage'],
      ['deploy', 'collaborator', 'view,deploy,operate'],
      ['owner', 'owner', 'view,deploy,operate,manage'],
      ['view', 'collaborator', 'view'],
    ])
  })

  it.each([
    [{}, 'view,deploy,operate'],
    [{ permissions: ['view'] }, 'view'],
    [{ permissions: ['view', 'deploy'] }, 'view,deploy,operate'],
    [{ permissions: ['operate'] }, 'view,deploy,operate'],
    [{ permissions: ['view', 'deploy', 'operate', 'manage'] }, 'view,deploy,operate,manage'],
    [{ role: 'view' }, 'view'],
  ])('who is given %j gets %s', async (given, permissions) => {
    const owner = person('owner')
    const app = await api.createApp(undefined, owner.token)
    const path = `/apps/${String(app['name'])}/collaborators`
    const body = { user: person('new').account.id, silent: true, ...given }
    const added = await api.call('POST', path, { token: owner.token, body })
    expect([added.status, permissionsIn(added.body).join()]).toEqual([201, permissions])
  })

  it('sees the app among theirs, and no more once they are removed', async () => {
    const { owner, view } = await team('shared')
    const seen = async (path: string) =>
      (await api.call('GET', path, { token: view.token })).body.map((app) => String(app['name']))
    expect(await seen('/apps')).toEqual(['shared'])
    expect(await seen('/users/~/apps')).toEqual(['shared'])
    const path = `/apps/shared/collaborators/${view.account.email}`
    expect((await api.call('DELETE', path, { token: owner.token })).status).toBe(200)
    expect(await seen('/apps')).toEqual([])
    expect((await api.call('GET', '/apps/shared', { token: view.token })).status).toBe(404)
  })

  it('is changed by an admin of the app, by email, account or id, below /apps and below /teams/apps', async () => {
    const { admin, view } = await team('changed')
    const { body } = await api.call('GET', `/apps/changed/collaborators/${view.account.email}`, { token: view.token })
    const changes = [
      [`/apps/changed/collaborators/${view.account.email}`, { role: 'deploy' }, 'view,deploy,operate'],
      [`/teams/apps/changed/collaborators/${view.account.id}`, { permissions: ['view'] }, 'view'],
      [`/apps/changed/collaborators/${String(body['id'])}`, { role: 'admin' }, 'view,deploy,operate,manage'],
    ] as const
    for (const [path, wanted, permissions] of changes) {
      const changed = await api.call('PATCH', path, { token: admin.token, body: wanted })
      expect([changed.status, permissionsIn(changed.body).join()]).toEqual([200, permissions])
    }
  })

  it('comes and goes in the log of the app', async () => {
    const { owner, admin, view } = await team('logged')
    const path = `/apps/logged/collaborators/${view.account.email}`
    await api.call('PATCH', path, { token: admin.token, body: { role: 'deploy' } })
    await api.call('DELETE', path, { token: view.token })
    const email = view.account.email
    await expect
      .poll(() => api.logOf('logged'))
      .toMatch(
        new RegExp(
          `api]: Add collaborator ${email} as view by user ${owner.account.email}\n[^]*` +
            `api]: Make ${email} deploy by user ${admin.account.email}\n[^]*` +
            `api]: Remove collaborator ${email} by user ${email}\n`,
        ),
      )
  })

  it('may leave, whatever the role', async () => {
    const { view } = await team('left')
    const path = `/apps/left/collaborators/${view.account.email}`
    expect((await api.call('DELETE', path, { token: view.token })).status).toBe(200)
    expect((await api.call('GET', '/apps/left', { token: view.token })).status).toBe(404)
  })

  it('may not give themselves or others more', async () => {
    const { deploy, view, owner } = await team('greedy')
    for (const { token, account } of [deploy, view]) {
      const path = `/apps/greedy/collaborators/${account.email}`
      expect((await api.call('PATCH', path, { token, body: { role: 'admin' } })).status).toBe(403)
      const body = { user: person('friend').account.email, role: 'view' }
      expect((await api.call('POST', '/apps/greedy/collaborators', { token, body })).status).toBe(403)
      const others = `/apps/greedy/collaborators/${[deploy, view].find((one) => one.token !== token)!.account.email}`
      expect((await api.call('DELETE', others, { token })).status).toBe(403)
    }
    const { body } = await api.call('GET', '/apps/greedy/collaborators', { token: owner.token })
    expect(body).toHaveLength(4)
  })
})

describe('it is refused', () => {
  it.each<[string, string, (all: Awaited<ReturnType<typeof team>>) => [string, unknown], number, RegExp]>([
    [
      'unknown',
      'POST',
      () => ['', { user: 'nobody@example.com' }],
      404,
      /no account "nobody@example.com".*accounts:create/,
    ],
    ['unknown', 'PATCH', () => ['/nobody@example.com', { role: 'view' }], 404, /no collaborator "nobody@example.com"/],
    ['unknown', 'DELETE', () => ['/nobody@example.com', undefined], 404, /no collaborator/],
    [
      'role',
      'POST',
      ({ view }) => ['', { user: view.account.email, role: 'boss' }],
      422,
      /role must be one of view, deploy, admin/,
    ],
    ['role', 'PATCH', ({ view }) => [`/${view.account.email}`, { role: 'owner' }], 422, /one of view, deploy, admin/],
    ['role', 'PATCH', ({ view }) => [`/${view.account.email}`, {}], 422, /must NOT have fewer than 1 properties/],
    [
      'permission',
      'POST',
      ({ view }) => ['', { user: view.account.email, permissions: ['root'] }],
      422,
      /one of view, deploy, operate, manage/,
    ],
    [
      'twice',
      'POST',
      ({ view }) => ['', { user: view.account.email }],
      422,
      /collaborator of refused-\d+ already.*access:update/,
    ],
    ['owner', 'POST', ({ owner }) => ['', { user: owner.account.email }], 422, /owns refused-\d+.*apps:transfer/],
    ['owner', 'PATCH', ({ owner }) => [`/${owner.account.email}`, { role: 'view' }], 422, /owns/],
    ['owner', 'DELETE', ({ owner }) => [`/${owner.account.email}`, undefined], 422, /owns/],
  ])('for %s: %s', async (_, method, request, status, message) => {
    const name = `refused-${++count}`
    const all = await team(name)
    const [path, body] = request(all)
    const { token } = all.owner
    const before = api.store.collaborators.list(api.store.apps.find(name)!.id)
    const answer = await api.call(method, `/apps/${name}/collaborators${path}`, { token, ...(body ? { body } : {}) })
    expect([answer.status, answer.body['message']]).toEqual([status, expect.stringMatching(message)])
    expect(api.store.collaborators.list(api.store.apps.find(name)!.id)).toEqual(before)
  })
})

it('the team paths answer like those of the app', async () => {
  const { owner, view } = await team('teamed')
  const { token } = owner
  const path = '/teams/apps/teamed/collaborators'
  const friend = person('friend').account.email
  expect((await api.call('GET', path, { token })).body).toHaveLength(4)
  expect((await api.call('POST', path, { token, body: { user: friend, permissions: ['deploy'] } })).status).toBe(201)
  expect((await api.call('GET', `${path}/${friend}`, { token })).status).toBe(200)
  expect((await api.call('DELETE', `${path}/${friend}`, { token })).status).toBe(200)
  const { body } = await api.call('GET', '/teams/permissions', { token: view.token })
  expect(body.map((permission) => permission['name'])).toEqual(['deploy', 'manage', 'operate', 'view'])
})

it('shows every route of its own', () => expectAllSeen('apps/collaborators.test.ts'))
