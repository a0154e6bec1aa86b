import { beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../helpers/app.ts'
import type { App } from '../../../src/model/app.ts'
import { TestApi, type Answer } from '../test-api.ts'

const api = await TestApi.forFile()
let app: App
beforeEach(async () => {
  app = await api.newApp()
})

const set = (body: unknown): Promise<Answer> => api.call('PATCH', `/apps/${app.name}/config-vars`, { body })
const releases = () => api.store.releases.list(app.id)

describe('setting config vars', () => {
  it('answers with all of them and makes one release, whatever the number of keys', async () => {
    await set({ A: '1' })
    expect((await set({ B: '2', C: '', A: null })).body).toEqual({ B: '2', C: '' })
    expect((await api.call('GET', `/apps/${app.id}/config-vars`)).body).toEqual({ B: '2', C: '' })
    expect(releases().map(({ description }) => description)).toEqual([
      'Set B, C, Remove A config vars',
      'Set A config vars',
      'Initial release',
    ])
    expect(api.store.releases.config(releases()[0]!.id)).toEqual({ B: '2', C: '' })
  })

  it('before the first deploy is done at once', async () => {
    await set({ A: '1' })
    expect(releases()[0]?.state).toEqual({ kind: 'succeeded' })
    expect(await api.takeJobs()).toEqual([])
  })

  it('of an app that runs makes a release of the same code and wakes the worker', async () => {
    const { slug } = api.deploy(app)
    await set({ A: '1' })
    expect(releases()[0]).toMatchObject({ version: 3, slugId: slug.id, state: { kind: 'pending' } })
    expect(await api.takeJobs()).toEqual([{ kind: 'converge', appId: app.id }])
  })

  it('takes the code of the newest release that did not fail', async () => {
    api.deploy(app, 'a'.repeat(40))
    const { slug } = api.deploy(app, 'b'.repeat(40))
    const failed = api.store.releases.create({ ...releases()[1]!, config: {} })
    api.store.releases.setState(failed.id, { kind: 'failed', reason: 'x' })
    await set({ A: '1' })
    expect(releases()[0]?.slugId).toBe(slug.id)
  })

  it('to what they are makes no release', async () => {
    await set({ A: '1' })
    expect((await set({ A: '1', NONE: null })).body).toEqual({ A: '1' })
    expect(releases()).toHaveLength(2)
  })

  it('keeps any text as it is', async () => {
    const text = 'line one\nline two\ttab "quote" \\ $HOME `x` ü 😀 \u001b[31m'
    expect((await set({ TEXT: text })).body).toEqual({ TEXT: text })
  })

  it('is told in the log of the app', async () => {
    await set({ A: 'the-value' })
    const session = await api.call('POST', `/apps/${app.name}/log-sessions`, { body: { lines: 10 } })
    const { pathname, search } = new URL(String(session.body['logplex_url']))
    const text = await until('the log has it', async () => {
      const log = await api.call('GET', pathname + search, { token: null })
      return log.text.includes('Release v2 created by user admin@example.com') && log.text
    })
    expect(text).toContain('app[api]: Set A config vars by user admin@example.com')
    expect(text).not.toContain('the-value')
  })
})

describe('config vars are refused, and none is set,', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['with a name of other characters', { 'A-B': '1' }, 'config_invalid', /"A-B".*letters, digits and _/],
    ['with a name of other letters', { ÄÖ: '1' }, 'config_invalid', /letters, digits and _/],
    ['with no name', { '': '1' }, 'config_invalid', /""/],
    ['with a line break in the name', { 'A\nB': '1' }, 'config_invalid', /letters/],
    ['with a name that begins with __', { __A: '1' }, 'config_invalid', /begins with __/],
    ["with a name of Heroku's", { HEROKU_APP: '1' }, 'config_invalid', /HEROKU_, which is reserved/],
    ["with the platform's own name", { PORT: '80' }, 'config_invalid', /PORT.*set by the platform/],
    ['with a very long name', { ['A'.repeat(129)]: '1' }, 'config_invalid', /longer than 128/],
    ['with a NUL byte', { A: 'x\0y' }, 'config_invalid', /NUL/],
    ['with half a character', { A: '\ud800' }, 'config_invalid', /Unicode/],
    ['with a number', { A: 1 }, 'invalid_params', /A must be a string or null/],
    [
      'with more than 64 KiB',
      { A: 'x'.repeat(65_536) },
      'config_invalid',
      /would have 65547 bytes; the limit is 65536/,
    ],
  ])('%s', async (_, change, id, message) => {
    await set({ KEPT: 'x' })
    const answer = await set({ GOOD: 'y', ...(change as object) })
    expect([answer.status, answer.body['id']]).toEqual([422, id])
    expect(String(answer.body['message'])).toMatch(message)
    expect(api.store.configVars.get(app.id)).toEqual({ KEPT: 'x' })
    expect(releases()).toHaveLength(2)
  })

  it('with the sum of all over the limit, though each is below', async () => {
    expect((await set({ A: 'x'.repeat(40_000) })).status).toBe(200)
    expect((await set({ B: 'x'.repeat(30_000) })).body['id']).toBe('config_invalid')
    expect((await set({ A: null, B: 'x'.repeat(30_000) })).status).toBe(200)
  })
})

describe('while Redis is down', () => {
  it('a change is recorded and answered with a warning; what cannot be recorded is refused', async () => {
    await using alone = await TestApi.start()
    await alone.createApp('acme')
    const acme = alone.store.apps.find('acme')!
    alone.deploy(acme)
    await alone.redis.stop()
    const changed = await alone.call('PATCH', '/apps/acme/config-vars', { body: { A: '1' } })
    expect([changed.status, changed.body]).toEqual([200, { A: '1' }])
    expect(changed.headers['warning']).toContain('done later')
    expect(alone.store.releases.list(acme.id)[0]?.state.kind).toBe('pending')
    const restart = await alone.call('DELETE', '/apps/acme/dynos')
    expect([restart.status, restart.body['id']]).toEqual([503, 'queue_unavailable'])
    const scaled = await alone.call('PATCH', '/apps/acme/formation/web', { body: { quantity: 2 } })
    expect([scaled.status, scaled.body['quantity']]).toEqual([200, 2])
  })
})
