import { describe, expect, it } from 'vitest'
import { recordFailure } from '../../../src/release/verdict.ts'
import type { VolumeCopyId } from '../../../src/model/ids.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
const acme = await api.newApp('acme')
api.deploy(acme, 'a'.repeat(40), { web: 'node server.js' })
const path = '/apps/acme/volume-copies'
const ask = (body: object) => api.call('POST', path, { body })
const { store } = api
const [{ id: volumeId }] = [
  store.volumes.create({ appId: acme.id, name: 'data', mount: '/app/data', types: ['web'], singleWriter: true }),
]
store.volumes.recordMade(volumeId)

const succeed = (id: unknown): void =>
  store.volumeCopies.setState(id as VolumeCopyId, {
    kind: 'succeeded',
    endedAt: new Date(),
    snapshot: '0123abcd',
    isStill: true,
    checksum: 'f'.repeat(64),
    files: 3,
    bytes: 300,
  })

describe('copies of volumes', () => {
  it('are recorded, and the worker is woken', async () => {
    await api.takeJobs()
    const { status, body } = await ask({ kind: 'backup', volume: 'data' })
    expect([status, body]).toMatchObject([202, { kind: 'backup', status: 'pending', into: null, survives_disk: false }])
    expect(await api.takeJobs()).toEqual([{ kind: 'volumes' }])
    succeed(body['id'])
    expect((await api.call('GET', `${path}/${String(body['id'])}`)).body).toMatchObject({
      status: 'succeeded',
      files: 3,
      still: true,
      proven_at: null,
    })
    expect((await api.call('GET', path)).body).toHaveLength(1)
    expect((await api.call('GET', `${path}/${String(body['id'])}/files`)).text).toBe('tar')
    const shown = await api.call('POST', `${path}/${String(body['id'])}/actions/public-url`, { body: {} })
    const { pathname } = new URL(String(shown.body['url']))
    expect((await api.call('GET', pathname, { token: null })).text).toBe('tar')
    expect((await api.call('GET', `${pathname}x`, { token: null })).status).toBe(404)
  })

  it('into a volume have a name that is free, or the one asked for', async () => {
    const restored = await ask({ kind: 'restore', volume: 'data' })
    expect(restored.body).toMatchObject({ into: { name: 'data-restored', switch: false } })
    const again = await ask({ kind: 'restore', volume: 'data', switch: true })
    expect(again.body).toMatchObject({ into: { name: 'data-restored-2', switch: true } })
    const fork = await ask({ kind: 'fork', volume: 'data', name: 'copy' })
    expect(fork.body).toMatchObject({ kind: 'fork', into: { name: 'copy' } })
    expect((await ask({ kind: 'fork', volume: 'data', name: 'copy' })).body).toMatchObject({ id: 'name_taken' })
    expect((await ask({ kind: 'fork', volume: 'data', name: 'Not/So' })).body).toMatchObject({ id: 'invalid_params' })
  })

  it('of what there is not are refused, with the way on', async () => {
    expect((await ask({ kind: 'backup', volume: 'none' })).body).toMatchObject({ id: 'not_found' })
    expect((await ask({ kind: 'restore', volume: 'none' })).body).toMatchObject({ id: 'backup_missing' })
    expect((await ask({ kind: 'restore', volume: 'data', backup: 'abcdef' })).body['message']).toMatch(
      /no backup "abcdef" of the volume data/,
    )
    expect((await ask({ kind: 'copy', volume: 'data' })).status).toBe(422)
  })

  it('are limited: ten that are not done yet', async () => {
    for (let open = 3; open < 10; open++) expect((await ask({ kind: 'backup', volume: 'data' })).status).toBe(202)
    expect((await ask({ kind: 'backup', volume: 'data' })).body).toMatchObject({ id: 'volume_copies_limit' })
    for (const { id, state } of store.volumeCopies.list()) if (state.kind === 'pending') succeed(id)
  })

  it('take the files of an upload', async () => {
    const { body } = await ask({ kind: 'upload', volume: 'data' })
    const put = await api.call('PUT', `${path}/${String(body['id'])}/files`, {
      body: 'tar',
      headers: { 'content-type': '' },
    })
    expect([put.status, put.body]).toMatchObject([200, { kind: 'upload' }])
  })

  it('give each of two volumes what the other had, until the release fails', async () => {
    const copy = store.volumes.addFilled(
      { appId: acme.id, name: 'other', mount: '/volumes/other', types: [], singleWriter: true },
      crypto.randomUUID() as typeof volumeId,
    )
    const dataOf = () => store.volumes.list(acme.id).map(({ name, data }) => [name, data])
    const change = (other: string) =>
      api.call('POST', '/apps/acme/volumes/data/actions/switch', { body: { with: other } })
    expect((await change('data')).body).toMatchObject({ id: 'invalid_params' })
    const { status, body } = await change('other')
    expect([status, body]).toMatchObject([200, { name: 'data', release: { version: expect.any(Number) as number } }])
    expect(dataOf()).toEqual([
      ['data', copy.data],
      ['other', volumeId],
    ])
    const [release] = store.releases.list(acme.id)
    recordFailure(store, release!, 'boot failed')
    expect(dataOf()).toEqual([
      ['data', volumeId],
      ['other', copy.data],
    ])
  })
})

it('shows every route of its own', () => expectAllSeen('apps/volume-copies.test.ts'))
