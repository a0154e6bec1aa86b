import { describe, expect, it } from 'vitest'
import { recordFailure } from '../../../src/release/verdict.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
const acme = await api.newApp('acme')
api.deploy(acme, 'a'.repeat(40), { web: 'node server.js', worker: 'node worker.js' })
const path = '/apps/acme/volumes'
const create = (body: object, app = 'acme') => api.call('POST', `/apps/${app}/volumes`, { body })
const names = async () => (await api.call('GET', path)).body.map(({ name }) => name)

describe('a volume', () => {
  it('is created with a release, of which the worker is told', async () => {
    await api.takeJobs()
    const { status, body } = await create({ name: 'media', mount: '/app/media' })
    expect([status, body]).toMatchObject([
      201,
      { name: 'media', mount: '/app/media', types: ['web'], single_writer: true, used_bytes: null, read_only: false },
    ])
    expect(await api.takeJobs()).toEqual([{ kind: 'converge', appId: acme.id }])
    const [release] = api.store.releases.list(acme.id)
    expect(release).toMatchObject({ description: 'Add volume media', state: { kind: 'pending' } })
    expect(body['release']).toMatchObject({ version: release?.version })
    const told: object = { ...(body as object), release: null }
    expect((await api.call('GET', `${path}/media`)).body).toEqual(told)
    expect((await api.call('GET', `${path}/${String(body['id'])}`)).body).toEqual(told)
  })

  it('limits its type to one dyno, at which it is already', async () => {
    const scale = (quantity: number) => api.call('PATCH', '/apps/acme/formation/web', { body: { quantity } })
    expect((await scale(2)).body).toMatchObject({
      id: 'invalid_params',
      message: expect.stringMatching(/^web has the volume media, .* it can have 1 dyno, not 2\./) as string,
    })
    expect((await scale(0)).status).toBe(200)
    expect((await scale(1)).status).toBe(200)
    await api.call('PATCH', '/apps/acme/formation/worker', { body: { quantity: 2 } })
    const { body } = await create({ name: 'jobs', mount: '/data/jobs', types: ['worker'] })
    expect(body['message']).toMatch(/^worker has 2 dynos, and only one at a time may write\./)
    expect((await create({ name: 'jobs', mount: '/data/jobs', types: ['worker'], single_writer: false })).status).toBe(
      201,
    )
  })

  it.each([
    [{ name: 'Media', mount: '/x' }, /cannot be called "Media"/],
    [{ name: '-x', mount: '/x' }, /cannot be called/],
    [{ name: '../../etc', mount: '/x' }, /cannot be called/],
    [{ name: 'a'.repeat(31), mount: '/x' }, /cannot be called/],
    [{ name: 'x', mount: 'data' }, /cannot be mounted at "data"/],
    [{ name: 'x', mount: '/' }, /cannot be mounted/],
    [{ name: 'x', mount: '/app' }, /would hide/],
    [{ name: 'x', mount: '/app/' }, /cannot be mounted/],
    [{ name: 'x', mount: '/app/../etc' }, /cannot be mounted/],
    [{ name: 'x', mount: '/app/./x' }, /cannot be mounted/],
    [{ name: 'x', mount: '/app/a b' }, /cannot be mounted/],
    [{ name: 'x', mount: '/app/a:rw' }, /cannot be mounted/],
    [{ name: 'x', mount: '/app/a\nb' }, /cannot be mounted/],
    [{ name: 'x', mount: '/app/.profile.d' }, /would hide/],
    [{ name: 'x', mount: '/etc/ssl' }, /belongs to the system/],
    [{ name: 'x', mount: '/proc' }, /belongs to the system/],
    [{ name: 'x', mount: '/usr/local/data' }, /belongs to the system/],
    [{ name: 'x', mount: '/var/lib' }, /would hide/],
    [{ name: 'x', mount: `/${'a'.repeat(200)}` }, /at most 200/],
    [{ name: 'x', mount: '/app/media' }, /overlaps with the volume media/],
    [{ name: 'x', mount: '/app/media/inner' }, /overlaps/],
    [{ name: 'x', mount: '/data' }, /overlaps with the volume jobs, which is at \/data\/jobs/],
    [{ name: 'x', mount: '/x', types: ['run'] }, /no process type that runs/],
    [{ name: 'x', mount: '/x', types: ['a b'] }, /no process type that runs/],
    [{ name: 'x', mount: '/x', types: ['web', 'web'], single_writer: false }, /named twice/],
    [{ name: 'x', mount: '/x', types: ['web', 'clock'] }, /one process type only/],
    [{ name: 'x', mount: '/x', types: [] }, /types/],
    [{ name: 'x', mount: '/x', driver: 'nfs' }, /driver/],
    [{ name: 'x' }, /mount/],
    [{ name: 7, mount: '/x' }, /name/],
  ])('%j is refused, and nothing is made', async (body, message) => {
    const before = api.store.releases.list(acme.id).length
    const answer = await create(body)
    expect([answer.status >= 400 && answer.status < 500, answer.body['message']]).toEqual([
      true,
      expect.stringMatching(message),
    ])
    expect(await names()).toEqual(['media', 'jobs'])
    expect(api.store.releases.list(acme.id)).toHaveLength(before)
  })

  it('of a name that is there is refused, and so is the eleventh', async () => {
    expect((await create({ name: 'media', mount: '/other' })).body['id']).toBe('name_taken')
    const other = await api.newApp('many')
    for (let i = 0; i < 10; i++) expect((await create({ name: `v${i}`, mount: `/v/${i}` }, 'many')).status).toBe(201)
    expect((await create({ name: 'v10', mount: '/v/10' }, 'many')).body['message']).toMatch(/10 volumes, the limit/)
    expect(api.store.releases.list(other.id).every(({ state }) => state.kind === 'succeeded')).toBe(true)
  })

  it('is destroyed only with its name said again, and by an admin of the app', async () => {
    const destroy = (query: string, options = {}) => api.call('DELETE', `${path}/media${query}`, options)
    for (const query of ['', '?confirm=', '?confirm=acme']) {
      expect((await destroy(query)).body['id']).toBe('confirmation_required')
    }
    const { account, token } = api.stranger()
    api.store.collaborators.set(acme.id, account.id, 'deploy')
    expect((await destroy('?confirm=media', { token })).status).toBe(403)
    const { status, body } = await destroy('?confirm=media')
    expect([status, body['release']]).toMatchObject([200, { version: expect.any(Number) as number }])
    expect(await names()).toEqual(['jobs'])
    expect(api.store.volumes.listAll().find(({ name }) => name === 'media')).toMatchObject({ leaving: true })
    expect((await destroy('?confirm=media')).status).toBe(404)
    recordFailure(api.store, api.store.releases.list(acme.id)[0]!, 'boot failed')
    expect(new Set(await names())).toEqual(new Set(['jobs', 'media']))
    expect((await destroy('?confirm=media')).status).toBe(200)
    expect((await create({ name: 'media', mount: '/app/media' })).status).toBe(201)
  })

  it('goes with its app only if that is said', async () => {
    const refused = await api.call('DELETE', '/apps/acme')
    expect(refused.body).toMatchObject({
      id: 'confirmation_required',
      message: expect.stringContaining('jobs, media') as string,
    })
    expect((await api.call('DELETE', '/apps/acme?volumes=keep')).status).toBe(422)
    expect((await api.call('DELETE', '/apps/acme?volumes=destroy')).status).toBe(200)
  })
})

it('shows every route of its own', () => expectAllSeen('apps/volumes.test.ts'))
