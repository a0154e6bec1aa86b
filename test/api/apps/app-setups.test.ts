import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type AppSetupId, type BuildId, type SlugId, newId } from '../../../src/model/ids.ts'
import { parseAppJson } from '../../../src/model/app-json.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi, type Answer } from '../test-api.ts'

const api = await TestApi.forFile()

const url = 'https://example.com/acme.tgz?token=secret'
const setUp = (asked: object, token = api.token) =>
  api.call('POST', '/app-setups', { body: { source_blob: { url }, ...asked }, token })
const look = ({ body }: Answer, token = api.token) => api.call('GET', `/app-setups/${String(body['id'])}`, { token })
const refused = ({ status, body }: Answer) => `${status} ${String(body['id'])}: ${String(body['message'])}`
const buildOf = ({ body }: Answer) => body['build']?.['id'] as unknown as BuildId

/** Ends the build of a set-up, as a worker would. */
function finish(id: BuildId, state: Parameters<TestApi['store']['builds']['finish']>[2]): void {
  const build = api.store.builds.claim(id)
  expect(api.store.builds.finish(id, build?.generation ?? 0, state)).toBe(true)
}

describe('an app set-up', () => {
  it('makes the app with what was given, and a build that wakes the worker', async () => {
    await api.takeJobs()
    const overrides = { env: { COLOUR: 'red' }, buildpacks: [{ url: 'heroku/nodejs' }] }
    const asked = await setUp({ app: { name: 'acme', stack: 'debian-13' }, overrides })
    expect([asked.status, asked.body]).toMatchObject([
      201,
      { status: 'pending', app: { name: 'acme' }, build: { status: 'pending' }, manifest_errors: [], postdeploy: null },
    ])
    const app = api.store.apps.find('acme')!
    expect(api.store.configVars.get(app.id)).toEqual({ COLOUR: 'red' })
    expect(api.store.buildpacks.list(app.id)).toEqual(['nodejs'])
    const jobs = await api.takeJobs()
    expect(jobs).toContainEqual({ kind: 'build', appId: app.id, buildId: buildOf(asked) })
    const address = /\/streams\/builds\/[^"]+/
    expect((await look(asked)).text.replace(address, '')).toBe(asked.text.replace(address, ''))
    expect(asked.text).not.toContain('secret')
  })

  it('is seen by those who may see its app, and goes with the app', async () => {
    const { account, token } = api.stranger('friend@example.com')
    const asked = await setUp({ app: { name: 'seen' } })
    expect(refused(await look(asked, token))).toMatch(/^404 not_found: There is no app set-up/)
    api.store.collaborators.set(api.store.apps.find('seen')!.id, account.id, 'view')
    expect((await look(asked, token)).status).toBe(200)
    await api.call('DELETE', '/apps/seen')
    expect((await look(asked)).status).toBe(404)
  })

  it('fails with its build, and keeps the app so that the output can be read', async () => {
    const asked = await setUp({ app: { name: 'failing' } })
    finish(buildOf(asked), { kind: 'failed', finishedAt: new Date(), code: 'source_invalid', reason: 'It is no tar.' })
    expect((await look(asked)).body).toMatchObject({ status: 'failed', failure_message: 'It is no tar.' })
    expect(api.store.apps.find('failing')).toBeDefined()
  })

  it('whose app.json cannot be read says what is wrong with it', async () => {
    const asked = await setUp({})
    const reason = 'app.json: env is 5; it must be an object.'
    finish(buildOf(asked), { kind: 'failed', finishedAt: new Date(), code: 'app_json_invalid', reason })
    expect((await look(asked)).body).toMatchObject({ failure_message: 'invalid app.json', manifest_errors: [reason] })
  })

  it('ends when its build is cancelled before it began', async () => {
    const asked = await setUp({ app: { name: 'cancelled' } })
    await api.call('DELETE', `/apps/cancelled/builds/${buildOf(asked)}`)
    expect((await look(asked)).body).toMatchObject({ status: 'failed', failure_message: 'The build was cancelled.' })
  })

  it.each<[string, string | null]>([
    ['/welcome?first=1', 'http://NAME.localhost/welcome?first=1'],
    ['https://example.com/thanks', 'https://example.com/thanks'],
    ['javascript:alert(1)', null],
  ])('leads to %s of app.json: %s', async (successUrl, resolved) => {
    const asked = await setUp({})
    const { name = '', id = '' } = asked.body['app'] as Record<string, string>
    const app = api.store.apps.find(id)!
    const build = api.store.builds.claim(buildOf(asked))!
    const appJson = parseAppJson(JSON.stringify({ success_url: successUrl }))
    api.store.builds.recordSlug(build.id, build.generation, {
      id: newId<SlugId>(),
      appId: app.id,
      buildId: build.id,
      commit: 'a'.repeat(40),
      image: 'sha256:0',
      stack: 'debian-13',
      processTypes: {},
      buildpack: 'Test',
      size: 0,
      appJson,
      createdAt: new Date(),
    })
    finish(build.id, { kind: 'succeeded', finishedAt: new Date() })
    const setup = String(asked.body['id']) as AppSetupId
    api.store.appSetups.setState(setup, { kind: 'succeeded', postdeploy: { exitCode: 0, output: 'seeded\n' } })
    const { body } = await look(asked)
    expect(body).toMatchObject({ status: 'succeeded', postdeploy: { exit_code: 0, output: 'seeded\n' } })
    expect(String(body['resolved_success_url']).replace(/:\d+/, '')).toBe(String(resolved).replace('NAME', name))
  })
})

describe('no app is set up', () => {
  it.each<[string, object, RegExp]>([
    ['with a name that is taken', { app: { name: 'taken' } }, /^422 name_taken|^409 name_taken/],
    ['from a private address', { source_blob: { url: 'http://10.0.0.1/a.tgz' } }, /^422 .*not on the public internet/],
    ['from a file', { source_blob: { url: 'file:///etc/passwd' } }, /^422 invalid_params: source_blob\.url/],
    ['from nothing', { source_blob: undefined }, /^422 invalid_params: .*"source_blob" is missing/],
    [
      'with an unknown buildpack',
      { overrides: { buildpacks: [{ url: 'heroku/cobol' }] } },
      /no buildpack "heroku\/cobol"/,
    ],
    ['with a var that no app may have', { overrides: { env: { PORT: '1' } } }, /^422 config_invalid/],
    ['with vars that are too large', { overrides: { env: { A: 'x'.repeat(70_000) } } }, /^422 config_invalid/],
    ['elsewhere', { app: { region: 'mars' } }, /^422 invalid_params: There is no region "mars"/],
    ['for a team', { app: { organization: 'us' } }, /^422 invalid_params: .*"organization" is not known/],
  ])('%s, and nothing is left of it', async (_, asked, message) => {
    if (!api.store.apps.find('taken')) await api.createApp('taken')
    const before = [api.store.apps.list().length, api.store.appSetups.listOpen().length]
    expect(refused(await setUp(asked))).toMatch(message)
    expect([api.store.apps.list().length, api.store.appSetups.listOpen().length]).toEqual(before)
  })

  it.each<[string, string | Buffer, RegExp]>([
    [
      'a text',
      'What we have to do. '.repeat(50),
      /^422 source_invalid: The source is not a gzipped tarball: Invalid tar header/,
    ],
    [
      'half a gzip',
      gzipSync('x'.repeat(5000)).subarray(0, 20),
      /^422 source_invalid: The source is not a gzipped tarball/,
    ],
    ['an empty tarball', gzipSync(Buffer.alloc(1024)), /^422 source_invalid: .* it has no files/],
  ])('of %s that was uploaded, and nothing is left of it', async (_, bytes, message) => {
    const { body } = await api.call('POST', '/sources')
    const { put_url: put, get_url: get } = body['source_blob'] as unknown as Record<string, string>
    await api.call('PUT', new URL(put!).pathname, { body: Buffer.from(bytes), token: null })
    const before = [api.store.apps.list().length, api.store.appSetups.listOpen().length]
    expect(refused(await setUp({ source_blob: { url: get } }))).toMatch(message)
    expect([api.store.apps.list().length, api.store.appSetups.listOpen().length]).toEqual(before)
  })

  it('by a token that may only read', async () => {
    expect((await setUp({}, api.tokenOf(api.admin, ['read']))).status).toBe(403)
  })

  it('while five of the account are under way; each that ends makes room', async () => {
    const { token } = api.stranger('busy@example.com')
    const first = await setUp({}, token)
    for (let n = 2; n <= 5; n++) expect((await setUp({}, token)).status).toBe(201)
    expect(refused(await setUp({}, token))).toMatch(
      /^429 app_setups_limit: You have 5 app set-ups running; the limit is 5/,
    )
    finish(buildOf(first), { kind: 'failed', finishedAt: new Date(), code: 'build_failed', reason: 'build failed' })
    expect((await setUp({}, token)).status).toBe(201)
  })

  it('and every route was shown', () => expectAllSeen('apps/app-setups.test.ts'))
})
