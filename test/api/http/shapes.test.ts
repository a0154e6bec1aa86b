import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStack } from '../../../src/build/stack/debian.ts'
import { removeFromEngine } from '../../helpers/engine.ts'
import { expectAllSeen } from '../answers.ts'
import { makeCommit } from '../builds/make-commit.ts'
import { TestApi, type Json } from '../test-api.ts'

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

/** `TestApi.call` itself holds every answer to the shape of its route. */
async function expectAnswer(route: string, body?: unknown): Promise<Json> {
  const [method = '', pattern = ''] = route.split(' ')
  const path = pattern.replaceAll(/:(\w+)/g, (_, name: string) => ids[name] ?? name)
  const answer = await api.call(method, path, body === undefined ? {} : { body })
  expect([route, [200, 201, 202].includes(answer.status)]).toEqual([route, true])
  return answer.body
}

describe('the answer has exactly the shape that Heroku gives it:', () => {
  it.each([
    'GET /account',
    'GET /users/~',
    'GET /accounts',
    'GET /oauth/authorizations',
    'GET /oauth/authorizations/~',
    'GET /apps',
    'GET /users/~/apps',
    'GET /apps/acme',
    'GET /apps/acme/config-vars',
    'GET /apps/acme/builds',
    'GET /apps/acme/builds/:build',
    'GET /apps/acme/releases',
    'GET /apps/acme/releases/v1',
    'GET /apps/acme/releases/current',
    'GET /apps/acme/releases/:release',
    'GET /apps/acme/releases/:release/config-vars',
    'GET /apps/acme/slugs/:slug',
    'GET /apps/acme/formation',
    'GET /apps/acme/formation/worker',
    'GET /regions',
    'GET /regions/local',
    'GET /stacks',
    'GET /stacks/debian-13',
  ])('%s', async (route) => {
    await expectAnswer(route)
  })

  it.each<[string, unknown]>([
    ['PATCH /account', { name: 'Somebody' }],
    ['POST /oauth/authorizations', { description: 'ci', expires_in: 60, scope: ['read'] }],
    ['POST /apps', {}],
    ['POST /apps', { name: 'second', region: 'local', stack: 'debian-13' }],
    ['PATCH /apps/second', { maintenance: true, name: 'third' }],
    ['DELETE /apps/third', undefined],
    ['PATCH /apps/acme/config-vars', { A: '1' }],
    ['POST /apps/acme/builds', undefined],
    ['DELETE /apps/acme/builds/:build', undefined],
    ['PATCH /apps/acme/formation', { updates: [{ type: 'web', quantity: '2', size: 'Standard-2X' }] }],
    ['PATCH /apps/acme/formation/web', { quantity: 1 }],
    ['DELETE /apps/acme/dynos', undefined],
    ['DELETE /apps/acme/formations/web', undefined],
    ['POST /apps/acme/formations/web/actions/stop', undefined],
    ['POST /apps/acme/releases', { release: 'v2' }],
    ['POST /apps/acme/log-sessions', { lines: 10, tail: false }],
  ])('%s %j', async (route, body) => {
    if (route === 'POST /apps/acme/builds') await pushCommit()
    await expectAnswer(route, body)
  })

  it('DELETE /oauth/authorizations/:authorization', async () => {
    const { token } = api.store.tokens.create({ accountId: api.admin.id, description: 'x', scope: ['read'] })
    await expectAnswer(`DELETE /oauth/authorizations/${token.id}`)
  })

  it('GET /apps/acme/dynos, for dynos that really run', async () => {
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
      expect(body[0]).toMatchObject({ name: 'web.1', state: 'up', command: 'npm start', release: { version: release } })
      expect(body[1]).toMatchObject({ name: 'web.2', state: 'starting' })
      const one = await api.call('GET', `/apps/acme/dynos/${body[0]!['id'] as unknown as string}`)
      expect(one.body).toEqual(body[0])
      await expectAnswer('DELETE /apps/acme/dynos/web.1')
      await expectAnswer('POST /apps/acme/dynos/web.1/actions/stop')
    } finally {
      await removeFromEngine(api.serverId)
    }
    // The image is made first where it has never been made.
  }, 600_000)

  it('shows every route of its own', () => expectAllSeen('http/shapes.test.ts'))
})

/** Gives the app's repository the commit that its release was built from. */
async function pushCommit(): Promise<void> {
  const app = api.store.apps.find('acme')!
  const path = await api.repositories.ensure(app.id)
  const commit = makeCommit(path)
  const { release } = api.deploy(app, commit)
  ids['release'] = release.id
}
