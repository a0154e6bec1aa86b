import { describe, expect, it } from 'vitest'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
await api.createApp('acme')
api.deploy(api.store.apps.find('acme')!)

/** Bodies that are right, for the routes that need one. */
const bodies: Record<string, unknown> = {
  'PATCH /apps/:app/formation': { updates: [{ type: 'web', quantity: 3 }] },
  'POST /apps/:app/releases': { release: 'v2' },
  'PATCH /apps/:app/config-vars': { STOLEN: 'yes' },
  'PATCH /apps/:app': { maintenance: true },
}

function call(route: string, app: string, token: string | null) {
  const [method = '', pattern = ''] = route.split(' ')
  const path = pattern.replace(':app', app).replace(':type', 'web').replace(':release', 'v2').replaceAll(/:\w+/g, 'x')
  const body = bodies[route]
  return api.call(method, path, { token, ...(body === undefined ? {} : { body }) })
}

const isOpen = (route: string) =>
  route.includes('/streams/') ||
  route.includes('/:pass') ||
  route.endsWith(' /schema') ||
  route.includes(' /buildpacks')

describe('without a token', () => {
  it('nothing but the signed addresses answers', async () => {
    const routes = api.routes.filter((route) => !isOpen(route))
    expect(routes.length).toBeGreaterThan(50)
    for (const route of routes) {
      const { status, headers } = await call(route, 'acme', null)
      expect([route, status, headers['www-authenticate']]).toEqual([route, 401, 'Bearer realm="paas"'])
    }
  })

  it.each(['Bearer', 'Bearer ', 'Basic', 'Basic !', 'Basic bm9jb2xvbg==', 'Digest x', 'Bearer a b', 'bearer \u00fc'])(
    'the header %j is refused and nothing breaks',
    async (authorization) => {
      const headers = { authorization: Buffer.from(authorization).toString('latin1') }
      expect((await api.call('GET', '/account', { token: null, headers })).status).toBe(401)
    },
  )
})

describe('a stranger', () => {
  it('gets the same answer for an app of somebody else as for one that does not exist', async () => {
    const { token } = api.stranger()
    const before = api.store.apps.find('acme')!
    await api.takeJobs()
    const routes = api.routes.filter((route) => route.includes('/:app'))
    expect(routes.length).toBeGreaterThan(30)
    for (const route of routes) {
      const theirs = await call(route, 'acme', token)
      const none = await call(route, 'none', token)
      const wanted = route.startsWith('HEAD') ? '' : 'app_not_found'
      expect([route, theirs.status, theirs.body?.['id'] ?? '']).toEqual([route, 404, wanted])
      expect(theirs.text).toBe(none.text.replace('none', 'acme'))
    }
    expect(api.store.apps.find('acme')).toEqual(before)
    expect(api.store.configVars.get(before.id)).toEqual({})
    expect(await api.takeJobs()).toEqual([])
  })

  it('sees their own apps only, the admin sees all', async () => {
    const { token } = api.stranger('second@example.com')
    await api.createApp('theirs', token)
    const names = async (path: string, as: string) => {
      const { body } = await api.call('GET', path, { token: as })
      return body.map((app) => app['name'] as unknown as string)
    }
    expect(await names('/apps', token)).toEqual(['theirs'])
    expect(await names('/apps', api.token)).toEqual(['acme', 'theirs'])
    expect(await names('/users/~/apps', api.token)).toEqual(['acme'])
  })

  it('cannot see or make accounts', async () => {
    const { token } = api.stranger('third@example.com')
    const made = await api.call('POST', '/accounts', { token, body: { email: 'fourth@example.com' } })
    expect([made.status, made.body['id']]).toEqual([403, 'forbidden'])
    expect((await api.call('GET', '/accounts', { token })).status).toBe(403)
    expect(api.store.accounts.find('fourth@example.com')).toBeUndefined()
  })

  it("cannot see or revoke another's tokens", async () => {
    const { token } = api.stranger('fifth@example.com')
    const [admins] = api.store.tokens.list(api.admin.id)
    for (const method of ['GET', 'DELETE']) {
      expect((await api.call(method, `/oauth/authorizations/${admins!.id}`, { token })).status).toBe(404)
    }
    expect(api.store.tokens.find(admins!.id)).toBeDefined()
  })
})

describe('a collaborator may', () => {
  /** To look takes view and to do anything deploy; these routes take another role. */
  const exceptions: Record<string, 'view' | 'deploy' | 'admin'> = {
    'POST /apps/:app/log-sessions': 'view',
    'DELETE /apps/:app/collaborators/:collaborator': 'view',
    'DELETE /teams/apps/:app/collaborators/:collaborator': 'view',
    'GET /apps/:app/config-vars': 'deploy',
    'GET /apps/:app/log-drains': 'deploy',
    'GET /apps/:app/log-drains/:drain': 'deploy',
    'GET /apps/:app/webhooks': 'deploy',
    'GET /apps/:app/webhooks/:webhook': 'deploy',
    'GET /apps/:app/releases/:release/config-vars': 'deploy',
    'GET /apps/:app/slugs/:slug': 'deploy',
    'GET /apps/:app/volume-copies/:copy/files': 'deploy',
    'GET /client/v11/apps/:app/transfers': 'deploy',
    'GET /client/v11/apps/:app/transfers/:transfer': 'deploy',
    'DELETE /apps/:app': 'admin',
    'DELETE /apps/:app/volumes/:volume': 'admin',
    'DELETE /apps/:app/addons/:addon': 'admin',
    'POST /apps/:app/collaborators': 'admin',
    'PATCH /apps/:app/collaborators/:collaborator': 'admin',
    'POST /teams/apps/:app/collaborators': 'admin',
    'PATCH /teams/apps/:app/collaborators/:collaborator': 'admin',
  }
  const ranks = ['view', 'deploy', 'admin'] as const
  const needed = (route: string) =>
    exceptions[route.replace(/^HEAD/, 'GET')] ?? (/^(GET|HEAD)/.test(route) ? 'view' : 'deploy')

  it.each(ranks)('with the role %s do what it takes, and nothing else, whatever they send', async (role) => {
    const { account, token } = api.stranger(`has-${role}@example.com`)
    const app = api.store.apps.create({ name: `of-${role}`, ownerId: api.admin.id, stack: 'debian-13' })
    api.store.collaborators.set(app.id, account.id, role)
    const routes = api.routes.filter((route) => route.includes('/:app') && route !== 'DELETE /apps/:app')
    for (const route of [...routes, 'DELETE /apps/:app']) {
      const { status } = await call(route, app.name, token)
      const allowed = ranks.indexOf(role) >= ranks.indexOf(needed(route))
      expect([route, status === 403 ? 'refused' : 'let']).toEqual([route, allowed ? 'let' : 'refused'])
    }
  })

  it('rename the app only as its admin', async () => {
    for (const role of ranks) {
      const { account, token } = api.stranger(`renames-${role}@example.com`)
      const app = api.store.apps.create({ name: `renamed-by-${role}`, ownerId: api.admin.id, stack: 'debian-13' })
      api.store.collaborators.set(app.id, account.id, role)
      const { status } = await api.call('PATCH', `/apps/${app.name}`, { token, body: { name: `new-by-${role}` } })
      expect([role, status]).toEqual([role, role === 'admin' ? 200 : 403])
    }
  })
})

describe('a token with a limited scope', () => {
  const everything = {
    'GET /account': ['identity', 'read', 'write', 'read-protected', 'write-protected'],
    'GET /apps': ['read', 'write', 'read-protected', 'write-protected'],
    'GET /apps/acme': ['read', 'write', 'read-protected', 'write-protected'],
    'GET /apps/acme/config-vars': ['read-protected', 'write-protected'],
    'GET /apps/acme/releases': ['read-protected', 'write-protected'],
    'GET /apps/acme/releases/v2/config-vars': ['read-protected', 'write-protected'],
    'PATCH /apps/acme/config-vars': ['write-protected'],
    'POST /apps': ['write', 'write-protected'],
    'DELETE /apps/acme/dynos': ['write', 'write-protected'],
    'GET /oauth/authorizations': [],
    'GET /oauth/sessions': [],
    'GET /account/keys': [],
    'GET /apps/acme/collaborators': ['read', 'write', 'read-protected', 'write-protected'],
    'POST /apps/acme/collaborators': ['write', 'write-protected'],
    'POST /oauth/authorizations': [],
    'GET /accounts': [],
    'PATCH /account': [],
  }

  it.each(Object.entries(everything))('may %s only with %o', async (route, allowed) => {
    const [method = '', path = ''] = route.split(' ')
    for (const scope of ['identity', 'read', 'write', 'read-protected', 'write-protected']) {
      const { status } = await api.call(method, path, { token: api.tokenOf(api.admin, [scope]) })
      expect([scope, status === 403]).toEqual([scope, !(allowed as string[]).includes(scope)])
    }
  })
})
