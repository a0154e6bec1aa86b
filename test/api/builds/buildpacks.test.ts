import { describe, expect, it } from 'vitest'
import { packNames } from '../../../src/build/packs.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi, type Json } from '../test-api.ts'

const api = await TestApi.forFile()
await api.createApp('acme')

const path = '/apps/acme/buildpack-installations'
const set = (...packs: string[]) =>
  api.call('PUT', path, { body: { updates: packs.map((buildpack) => ({ buildpack })) } })
const installed = () => api.store.buildpacks.list(api.store.apps.find('acme')!.id)

describe('the buildpacks of an app', () => {
  it('are set in order, by any of their names, and shown by the one people know', async () => {
    const { status, body } = await set('heroku/nodejs', 'https://github.com/heroku/heroku-buildpack-python.git#v1')
    expect([status, body]).toEqual([
      200,
      [
        { buildpack: { name: 'heroku/nodejs', url: 'urn:buildpack:heroku/nodejs' }, ordinal: 0 },
        { buildpack: { name: 'heroku/python', url: 'urn:buildpack:heroku/python' }, ordinal: 1 },
      ],
    ])
    expect((await api.call('GET', path)).body).toEqual(body)
    expect(installed()).toEqual(['nodejs', 'python'])
  })

  it('may be anywhere that builds reach, and are shown by their address then', async () => {
    const [git, tgz] = ['https://github.com/heroku/heroku-buildpack-pgbouncer.git#main', 'https://example.com/pack.tgz']
    const { status, body } = await set(git, 'nodejs', tgz)
    expect([status, body]).toEqual([
      200,
      [
        { buildpack: { name: git, url: git }, ordinal: 0 },
        { buildpack: { name: 'heroku/nodejs', url: 'urn:buildpack:heroku/nodejs' }, ordinal: 1 },
        { buildpack: { name: tgz, url: tgz }, ordinal: 2 },
      ],
    ])
    expect((await api.call('GET', path)).body).toEqual(body)
    expect(installed()).toEqual([git, 'nodejs', tgz])
  })

  it('may be none', async () => {
    await set('static')
    expect((await set()).body).toEqual([])
    expect(installed()).toEqual([])
  })

  it.each([
    [
      'heroku/scala',
      /There is no buildpack "heroku\/scala" on this server\. Available: heroku\/apt, heroku\/go, heroku\/rust, heroku\/java, /,
    ],
    ['http://example.com/pack.git', /must begin with https/],
    ['https://token@example.com/pack.git', /must not have a user or a password/],
    ['https://example.com/pack.git#--upload-pack=id', /has an invalid branch, tag or commit/],
    ['https://169.254.169.254/pack.git', /169\.254\.169\.254 \(port 443\) is not on the public internet/],
    ['https://localhost/pack.tgz', /localhost \(port 443\) is not on the public internet/],
    ['ext::sh -c id', /There is no buildpack/],
    ['file:///etc', /There is no buildpack/],
    ['--upload-pack=id', /There is no buildpack/],
    ['../nodejs', /There is no buildpack/],
  ])('are not %j, and stay as they are then', async (pack, message) => {
    await set('python')
    const { status, body } = await set('nodejs', pack)
    expect([status, String(body['message'])]).toEqual([422, expect.stringMatching(message)])
    expect(installed()).toEqual(['python'])
  })

  it('are each named once', async () => {
    expect((await set('nodejs', 'heroku/nodejs')).body).toMatchObject({
      message: expect.stringMatching(/^The buildpack heroku\/nodejs is named twice/),
    })
    const url = 'https://example.com/pack.git'
    expect((await set(url, url)).body).toMatchObject({ message: expect.stringContaining(`${url} is named twice`) })
  })

  it("are nobody else's to see or change", async () => {
    const { token } = api.stranger()
    expect((await api.call('GET', path, { token })).status).toBe(404)
    expect((await api.call('PUT', path, { token, body: { updates: [] } })).status).toBe(404)
  })
})

describe('the registry', () => {
  it('tells what to install for a name', async () => {
    const { status, body } = await api.call('GET', '/buildpacks/heroku%2Fnodejs')
    expect([status, body]).toMatchObject([200, { name: 'nodejs', namespace: 'heroku' }])
    const { body: now } = await set(String(body['blob_url']))
    expect(now).toMatchObject([{ buildpack: { name: 'heroku/nodejs' } }])
    expect((await api.call('GET', '/buildpacks/heroku%2Fscala')).status).toBe(404)
  })

  it('is open to anybody, with a version and a text for each', async () => {
    const one = '/buildpacks/heroku%2Fstatic'
    const revisions = await api.call('GET', `${one}/revisions`, { token: null })
    expect(revisions.body).toMatchObject([{ release: 1, status: 'published' }])
    const { content, encoding } = (await api.call('GET', `${one}/readme`, { token: null })).body
    expect(Buffer.from(String(content), encoding as unknown as 'base64').toString()).toContain('nginx')
  })

  it('is searched by words', async () => {
    const names = async (query: string) => {
      const { body } = await api.call('GET', `/buildpacks${query}`)
      return body.map(({ name }: Json) => String(name))
    }
    expect(await names('')).toEqual(packNames.toSorted())
    expect(await names('?in[name][]=node')).toEqual(['nodejs'])
    expect(await names('?like[description]=nginx')).toEqual(['static'])
  })

  it('shows every route of its own', () => expectAllSeen('builds/buildpacks.test.ts'))
})
