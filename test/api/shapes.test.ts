import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStack } from '../../src/build/stack/debian.ts'
import { removeFromEngine } from '../helpers/engine.ts'
import { schemaProblems } from './heroku-schema.ts'
import { makeCommit } from './make-commit.ts'
import { TestApi, type Json } from './test-api.ts'

let api: TestApi
const ids: Record<string, string> = {}

beforeAll(async () => {
  api = await TestApi.start()
  await api.createApp('acme')
  const app = api.store.apps.find('acme')!
  const { build, release, slug } = api.deploy(app)
  const failed = api.store.builds.create({ ...build, ref: null }).build
  api.store.builds.claim(failed.id)
  const finishedAt = new Date()
  api.store.builds.finish(failed.id, 1, { kind: 'failed', finishedAt, code: 'build_failed', reason: 'no' })
  api.store.builds.claim(api.store.builds.create({ ...build, ref: null }).build.id)
  api.store.builds.create({ ...build, ref: null })
  api.store.releases.create({ ...release, slugId: null, config: {} })
  Object.assign(ids, { build: build.id, release: release.id, slug: slug.id })
  const expiresAt = new Date(Date.now() + 60_000)
  api.store.tokens.create({ accountId: api.admin.id, description: 'x', scope: ['read'], expiresAt })
})
afterAll(() => api[Symbol.asyncDispose]())

function expectShape(resource: string, body: Json): void {
  for (const item of Array.isArray(body) ? body : [body]) {
    expect({ problems: schemaProblems(resource, item), item }).toEqual({ problems: [], item })
  }
}

describe('the answer has exactly the shape that Heroku gives it:', () => {
  it.each([
    ['account', '/account'],
    ['account', '/users/~'],
    ['account', '/accounts'],
    ['oauth-authorization', '/oauth/authorizations'],
    ['oauth-authorization', '/oauth/authorizations/~'],
    ['app', '/apps'],
    ['app', '/users/~/apps'],
    ['app', '/apps/acme'],
    ['build', '/apps/acme/builds'],
    ['build', '/apps/acme/builds/:build'],
    ['release', '/apps/acme/releases'],
    ['release', '/apps/acme/releases/v1'],
    ['release', '/apps/acme/releases/current'],
    ['release', '/apps/acme/releases/:release'],
    ['slug', '/apps/acme/slugs/:slug'],
    ['formation', '/apps/acme/formation'],
    ['formation', '/apps/acme/formation/worker'],
    ['region', '/regions'],
    ['region', '/regions/local'],
    ['stack', '/stacks'],
    ['stack', '/stacks/debian-13'],
  ])('%s of GET %s', async (resource, path) => {
    const { status, body } = await api.call(
      'GET',
      path.replace(/:(\w+)/, (_, name: string) => ids[name] ?? ''),
    )
    expect([status, Array.isArray(body) && body.length === 0]).toEqual([200, false])
    expectShape(resource, body)
  })

  it.each<[string, string, unknown]>([
    ['account', 'PATCH /account', { name: 'Somebody' }],
    ['oauth-authorization', 'POST /oauth/authorizations', { description: 'ci', expires_in: 60, scope: ['read'] }],
    ['app', 'POST /apps', {}],
    ['app', 'POST /apps', { name: 'second', region: 'local', stack: 'debian-13' }],
    ['app', 'PATCH /apps/second', { maintenance: true, name: 'third' }],
    ['app', 'DELETE /apps/third', undefined],
    ['build', 'POST /apps/acme/builds', undefined],
    ['formation', 'PATCH /apps/acme/formation', { updates: [{ type: 'web', quantity: '2', size: 'Standard-2X' }] }],
    ['formation', 'PATCH /apps/acme/formation/web', { quantity: 1 }],
    ['release', 'POST /apps/acme/releases', { release: 'v2' }],
    ['log-session', 'POST /apps/acme/log-sessions', { lines: 10, tail: false }],
  ])('%s of %s %j', async (resource, route, body) => {
    if (resource === 'build') await pushCommit()
    const [method = '', path = ''] = route.split(' ')
    const answer = await api.call(method, path, body === undefined ? {} : { body })
    expect([200, 201]).toContain(answer.status)
    expectShape(resource, answer.body)
  })

  it('dyno of GET /apps/acme/dynos, for one that really runs', async () => {
    const { engine, config } = api
    const { digest: image } = await createStack({ engine, config }).runImage([], () => undefined)
    const app = api.store.apps.find('acme')!
    const { version: release } = api.store.releases.find(app.currentReleaseId!)!
    try {
      const limits = { memoryMiB: 64, cpus: 1, pids: 16 }
      const spec = { appId: app.id, app: 'acme', type: 'web', image, size: 'basic', limits, env: {}, restart: true }
      const signal = AbortSignal.timeout(60_000)
      await engine.runDyno({ ...spec, name: 'web.1', release, command: 'sleep 600' }, signal)
      await engine.runDyno({ ...spec, name: 'web.2', release: release + 1, command: 'sleep 600' }, signal)
      const { body } = await api.call('GET', '/apps/acme/dynos')
      expect(body).toHaveLength(2)
      expectShape('dyno', body)
      expect(body[0]).toMatchObject({ name: 'web.1', state: 'up', command: 'npm start', release: { version: release } })
      expect(body[1]).toMatchObject({ name: 'web.2', state: 'starting' })
      const one = await api.call('GET', `/apps/acme/dynos/${body[0]!['id'] as unknown as string}`)
      expect(one.body).toEqual(body[0])
    } finally {
      await removeFromEngine(api.serverId)
    }
    // The image is made first where it has never been made.
  }, 600_000)
})

/** Gives the app's repository the commit that its release was built from. */
async function pushCommit(): Promise<void> {
  const app = api.store.apps.find('acme')!
  const path = await api.repositories.ensure(app.id)
  const commit = makeCommit(path)
  const { release } = api.deploy(app, commit)
  ids['release'] = release.id
}
