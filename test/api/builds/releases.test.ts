import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { App } from '../../../src/model/app.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
let app: App
beforeEach(async () => {
  app = await api.newApp()
})

const rollback = (release: unknown) => api.call('POST', `/apps/${app.name}/releases`, { body: { release } })
const list = async () => (await api.call('GET', `/apps/${app.name}/releases`)).body

describe('releases', () => {
  it('tell which one is current and which one can be gone back to', async () => {
    expect(await list()).toMatchObject([{ version: 1, current: true, eligible_for_rollback: false, slug: null }])
    api.deploy(app, 'a'.repeat(40))
    api.deploy(app, 'b'.repeat(40))
    await api.call('PATCH', `/apps/${app.name}/config-vars`, { body: { A: '1' } })
    const failed = api.store.releases.list(app.id)[0]!
    api.store.releases.setState(failed.id, { kind: 'failed', reason: 'x' })
    expect(await list()).toMatchObject([
      { version: 1, current: false, eligible_for_rollback: false, status: 'succeeded' },
      { version: 2, current: false, eligible_for_rollback: true, description: 'Deploy aaaaaaaa' },
      { version: 3, current: true, eligible_for_rollback: true },
      { version: 4, current: false, eligible_for_rollback: false, status: 'failed' },
    ])
    const current = await api.call('GET', `/apps/${app.name}/releases/current`)
    expect(current.body['version']).toBe(3)
  })

  it('that failed say why', async () => {
    await rollback(api.deploy(app).release.version)
    api.store.releases.setState(api.store.releases.list(app.id)[0]!.id, { kind: 'failed', reason: 'boot failed: no' })
    const { body } = await api.call('GET', `/apps/${app.name}/releases/3`)
    expect(body).toMatchObject({ status: 'failed', failure: { message: 'boot failed: no' } })
  })

  it('that were superseded count as succeeded, say by which version, and cannot be gone back to', async () => {
    const { release } = api.deploy(app)
    await api.call('PATCH', `/apps/${app.name}/config-vars`, { body: { A: '1' } })
    const [overtaken] = api.store.releases.list(app.id)
    api.store.releases.setState(overtaken!.id, { kind: 'superseded', by: 4 })
    const shown = (await api.call('GET', `/apps/${app.name}/releases/${overtaken!.version}`)).body
    expect(shown).toMatchObject({ status: 'succeeded', superseded_by: 4, eligible_for_rollback: false, failure: null })
    expect((await api.call('GET', `/apps/${app.name}/releases/${release.version}`)).body['superseded_by']).toBeNull()
    expect(await rollback(overtaken!.version)).toMatchObject({
      status: 422,
      body: { message: expect.stringContaining('never served, as v4 superseded it') },
    })
  })

  it('are found by id, number and v-number, with the config vars they hold', async () => {
    await api.call('PATCH', `/apps/${app.name}/config-vars`, { body: { A: '1' } })
    await api.call('PATCH', `/apps/${app.name}/config-vars`, { body: { A: '2' } })
    const { id } = api.store.releases.findIn(app.id, '2')!
    for (const name of [id, '2', 'v2']) {
      expect((await api.call('GET', `/apps/${app.name}/releases/${name}`)).body['id']).toBe(id)
      expect((await api.call('GET', `/apps/${app.name}/releases/${name}/config-vars`)).body).toEqual({ A: '1' })
    }
    const none = await api.call('GET', `/apps/${app.name}/releases/v9`)
    expect([none.status, none.body['id']]).toEqual([404, 'not_found'])
  })
})

describe('the output of a release command', () => {
  const read = async (url: string) => api.call('GET', new URL(url).pathname, { token: null })

  it('is at an address that nobody can guess, from the start of the command on', async () => {
    const { slug } = api.deploy(app, 'a'.repeat(40), { web: 'x', release: 'rake db:migrate' })
    const { body } = await rollback('v2')
    const release = { id: String(body['id']) }
    const url = String(body['output_stream_url'])
    expect(url).toMatch(/\/streams\/releases\/[0-9a-f-]{36}\/[\w-]+\.[\w-]{43}$/)
    expect((await read(url)).status).toBe(404)
    const files = join(api.config.paths.builds, release.id)
    writeFileSync(`${files}.log`, 'tables are made\n')
    writeFileSync(`${files}.end`, '')
    expect(await read(url)).toMatchObject({ status: 200, text: 'tables are made\n' })
    expect((await read(url.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')))).status).toBe(404)
    expect((await read(url.replace(release.id, slug.id))).status).toBe(404)
  })

  it('is nowhere for a release that ran none', async () => {
    api.deploy(app, 'a'.repeat(40), { web: 'x', release: 'rake db:migrate' })
    expect((await api.call('GET', `/apps/${app.name}/releases/2`)).body['output_stream_url']).toBeNull()
    expect((await api.call('GET', `/apps/${app.name}/releases/1`)).body['output_stream_url']).toBeNull()
  })
})

describe('a rollback', () => {
  it('is a new release with the old code and the old config vars', async () => {
    await api.call('PATCH', `/apps/${app.name}/config-vars`, { body: { A: 'old', GONE: 'x' } })
    const { slug } = api.deploy(app, 'a'.repeat(40))
    await api.call('PATCH', `/apps/${app.name}/config-vars`, { body: { A: 'new', GONE: null, ADDED: 'y' } })
    api.deploy(app, 'b'.repeat(40))
    await api.takeJobs()
    const { status, body } = await rollback('v3')
    expect([status, body['version'], body['description'], body['status']]).toEqual([
      201,
      6,
      'Rollback to v3',
      'pending',
    ])
    expect(body['slug']).toEqual({ id: slug.id })
    expect(api.store.configVars.get(app.id)).toEqual({ A: 'old', GONE: 'x' })
    expect(await api.takeJobs()).toEqual([{ kind: 'converge', appId: app.id }])
  })

  it.each([
    ['to what never had code', 'v1', 422, 'invalid_params'],
    ['to what does not exist', 'v99', 404, 'not_found'],
    ['to what failed', 'v3', 422, 'invalid_params'],
    ['to what is not there yet', 'v4', 422, 'invalid_params'],
    ['to a thing that is no release', { id: 'v2' }, 422, 'invalid_params'],
  ])('%s is refused and changes nothing', async (_, release, status, id) => {
    api.deploy(app)
    await api.call('PATCH', `/apps/${app.name}/config-vars`, { body: { A: '1' } })
    api.store.releases.setState(api.store.releases.list(app.id)[0]!.id, { kind: 'failed', reason: 'x' })
    await api.call('PATCH', `/apps/${app.name}/config-vars`, { body: { A: '2' } })
    const answer = await rollback(release)
    expect([answer.status, answer.body['id']]).toEqual([status, id])
    expect(api.store.releases.list(app.id)[0]?.version).toBe(4)
    expect(api.store.configVars.get(app.id)).toEqual({ A: '2' })
  })

  it("to another app's release is refused", async () => {
    await api.createApp('other-app')
    const { release } = api.deploy(api.store.apps.find('other-app')!)
    expect((await rollback(release.id)).status).toBe(404)
  })
})

it('every answer of this file was seen', () => expectAllSeen('builds/releases.test.ts'))
