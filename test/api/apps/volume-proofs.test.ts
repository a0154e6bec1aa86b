import { describe, expect, it } from 'vitest'
import type { VolumeCopyId, VolumeProofId } from '../../../src/model/ids.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
const acme = await api.newApp('acme')
const { store } = api
const volume = store.volumes.create({
  appId: acme.id,
  name: 'data',
  mount: '/app/data',
  types: ['web'],
  singleWriter: true,
})
store.volumes.recordMade(volume.id)

function backUp(trigger: 'asked' | 'daily', reason?: string): VolumeCopyId {
  const of = { appId: acme.id, volumeId: volume.id, volume: 'data', from: null, into: null, trigger }
  const { id } = store.volumeCopies.create({ ...of, kind: 'backup' })
  const endedAt = new Date()
  const content = { snapshot: '0123abcd', isStill: true, checksum: 'f'.repeat(64), files: 3, bytes: 300 }
  store.volumeCopies.setState(
    id,
    reason === undefined ? { kind: 'succeeded', endedAt, ...content } : { kind: 'failed', endedAt, reason },
  )
  return id
}

describe('the backups of a volume', () => {
  it('say when the last good one was, and the last that was proven', async () => {
    const before = await api.call('GET', '/apps/acme/volume-backups')
    expect(before.body).toMatchObject([{ volume: { name: 'data' }, last_good: null, recovery_point_seconds: null }])
    const id = backUp('daily')
    store.volumeCopies.recordProof(id)
    backUp('daily', 'The disk is full.')
    const { body } = await api.call('GET', '/volume-backups')
    expect(body).toMatchObject([
      {
        app: { name: 'acme' },
        kind: 'volume',
        schedule: "a copy each day at 03:00, the machine's time",
        bytes: 300,
        where: expect.stringContaining('does not survive'),
        last_good: { id, files: 3, still: true },
        last_failed: { reason: 'The disk is full.' },
        last_proven: { backup: id },
        last_disproven: null,
        problem: expect.stringMatching(/^its backup \w{8} failed: The disk is full\.$/),
      },
    ])
  })

  it('are proven when somebody asks, by the worker, and the record says why one is not whole', async () => {
    await api.takeJobs()
    const path = '/apps/acme/volumes/data'
    const { status, body } = await api.call('POST', `${path}/actions/prove`, { body: {} })
    expect([status, body['status']]).toEqual([202, 'asked'])
    expect(await api.takeJobs()).toEqual([{ kind: 'volumes' }])
    const proof = `${path}/proofs/${String(body['id'])}`
    expect((await api.call('GET', proof)).body).toMatchObject({ status: 'asked', reason: null })
    const failed = { kind: 'failed', copyId: backUp('asked'), reason: 'It is torn.' } as const
    store.volumeProofs.setState(body['id'] as unknown as VolumeProofId, failed)
    expect((await api.call('GET', proof)).body).toMatchObject({ status: 'failed', reason: 'It is torn.' })
    const [told] = (await api.call('GET', '/apps/acme/volume-backups')).body as unknown as object[]
    expect(told).toMatchObject({ last_disproven: { backup: failed.copyId, reason: 'It is torn.' }, problem: null })
    expect((await api.call('GET', `${path}/proofs/none`)).status).toBe(404)
    expect((await api.call('POST', '/apps/acme/volumes/none/actions/prove', { body: {} })).status).toBe(404)
  })

  it('are seen by nobody else', async () => {
    const { token } = api.stranger()
    expect((await api.call('GET', '/volume-backups', { token })).body).toEqual([])
    expect((await api.call('GET', '/apps/acme/volume-backups', { token })).status).toBe(404)
  })
})

it('shows every route of its own', () => expectAllSeen('apps/volume-proofs.test.ts'))
