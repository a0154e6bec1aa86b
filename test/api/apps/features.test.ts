import { dynoSizes } from '../../../src/model/formation.ts'
import { describe, expect, it } from 'vitest'
import { createStack } from '../../../src/build/stack/debian.ts'
import { dynoSpec, loadDeployable } from '../../../src/dynos/deployable.ts'
import { removeFromEngine } from '../../helpers/engine.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
await api.createApp('acme')
api.deploy(api.store.apps.find('acme')!)

const path = '/apps/acme/features'
const turn = (name: string, enabled: unknown) => api.call('PATCH', `${path}/${name}`, { body: { enabled } })

describe('a feature', () => {
  it('is listed, and found by its name and its id', async () => {
    const { body } = await api.call('GET', path)
    expect(body.map((feature) => [feature['name'], feature['enabled'], feature['state']])).toEqual([
      ['http-session-affinity', false, 'general'],
      ['preboot', true, 'general'],
      ['runtime-dyno-metadata', false, 'general'],
    ])
    expect((await api.call('GET', `${path}/${String(body[1]!['id'])}`)).body).toEqual(body[1])
    expect((await api.call('GET', '/account/features')).body).toEqual([])
  })

  it('is turned on and off, once or twice', async () => {
    for (const enabled of [true, true, false, false]) {
      expect((await turn('runtime-dyno-metadata', enabled)).body['enabled']).toBe(enabled)
      expect((await api.call('GET', `${path}/runtime-dyno-metadata`)).body['enabled']).toBe(enabled)
    }
  })

  it('of the router is told to the router at once', async () => {
    await api.takeJobs()
    await turn('http-session-affinity', true)
    expect((await api.takeJobs()).map(({ kind }) => kind)).toEqual(['converge'])
    await turn('http-session-affinity', false)
  })

  it('comes and goes in the log of the app', async () => {
    await expect.poll(() => api.logOf('acme')).toMatch(/Enable runtime-dyno-metadata by user admin@[^]*Disable runtime/)
  })

  it('that every app has cannot be turned off', async () => {
    expect((await turn('preboot', true)).status).toBe(200)
    const off = await turn('preboot', false)
    expect([off.status, off.body['message']]).toEqual([422, expect.stringContaining('preboot cannot be turned off.')])
  })

  it.each([
    ['spaces-dns', true, 404, 'There is no feature "spaces-dns". Available: preboot, runtime-dyno-metadata, http'],
    ['runtime-heroku-exec', true, 404, 'ps:exec, ps:copy, ps:forward and ps:socks are not available.'],
    ['runtime-dyno-metadata', 'yes', 422, 'enabled must be a boolean'],
  ])('%s is not turned %j', async (name, enabled, status, message) => {
    const answer = await turn(name, enabled)
    expect([answer.status, answer.body['message']]).toEqual([status, expect.stringContaining(message)])
  })
})

it('runtime-dyno-metadata tells a dyno what it is, in the words of the API', async () => {
  await turn('runtime-dyno-metadata', true)
  const { engine, config, store } = api
  const app = store.apps.find('acme')!
  const release = store.releases.find(app.currentReleaseId!)!
  const { digest: image } = await createStack({ engine, config }).runImage([], () => undefined)
  const deployable = loadDeployable(store, app, release)
  const spec = dynoSpec(
    deployable,
    { name: 'worker.1', type: 'worker', size: 'basic' },
    { restart: false, sizes: dynoSizes },
  )
  const signal = AbortSignal.timeout(60_000)
  try {
    const dyno = await engine.runDyno({ ...spec, image, command: 'env' }, signal)
    const lines: string[] = []
    for await (const { text } of engine.dynoOutput(dyno.id, { follow: true }, signal)) lines.push(text.toString())
    const { body } = await api.call('GET', '/apps/acme/dynos/worker.1')
    expect(lines.filter((line) => line.startsWith('HEROKU_')).toSorted()).toEqual([
      `HEROKU_APP_ID=${app.id}`,
      'HEROKU_APP_NAME=acme',
      `HEROKU_DYNO_ID=${String(body['id'])}`,
      `HEROKU_RELEASE_CREATED_AT=${release.createdAt.toISOString()}`,
      'HEROKU_RELEASE_VERSION=v2',
      `HEROKU_SLUG_COMMIT=${'a'.repeat(40)}`,
    ])
  } finally {
    await removeFromEngine(api.serverId)
  }
  await turn('runtime-dyno-metadata', false)
  const without = loadDeployable(store, store.apps.find('acme')!, release)
  const { env } = dynoSpec(
    without,
    { name: 'worker.1', type: 'worker', size: 'basic' },
    { restart: false, sizes: dynoSizes },
  )
  expect(Object.keys(env)).toEqual(['DYNO'])
  // The image is made first where it has never been made.
}, 600_000)

it('a web dyno knows the host name of its app', () => {
  const app = api.store.apps.find('acme')!
  const deployable = loadDeployable(api.store, app, api.store.releases.find(app.currentReleaseId!)!)
  const web = { name: 'web.1', type: 'web', size: 'basic' } as const
  const { env } = dynoSpec(deployable, web, { restart: true, domain: 'paas.example', sizes: dynoSizes })
  expect(env).toMatchObject({ PAAS_APP_HOST: 'acme.paas.example' })
})

it('shows every route of its own', () => expectAllSeen('apps/features.test.ts'))
