import { expect, it } from 'vitest'
import { saveFindings } from '../../../src/doctor/saved.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()

it('tells an admin what the server found of its machine last', async () => {
  expect((await api.call('GET', '/server/doctor')).body).toEqual({ checked_at: null, findings: [] })
  const findings = [{ name: 'disk', state: 'bad', message: 'full', advice: 'free some' }] as const
  saveFindings(api.config.paths.findings, { checkedAt: Date.UTC(2026, 0, 2), findings: [...findings] })
  expect((await api.call('GET', '/server/doctor')).body).toEqual({ checked_at: '2026-01-02T00:00:00Z', findings })
})

it('tells which backups of the server there are, as far as it was told', async () => {
  const running = { apps: null, bytes: null, addedBytes: null, reason: null }
  const backups = [{ startedAt: Date.UTC(2026, 0, 2), endedAt: null, state: 'running', ...running }] as const
  saveFindings(api.config.paths.findings, { checkedAt: Date.UTC(2026, 0, 2), findings: [], backups: [...backups] })
  expect((await api.call('GET', '/server/backups')).body).toMatchObject({
    checked_at: '2026-01-02T00:00:00Z',
    target: null,
    backups: [{ state: 'running', started_at: '2026-01-02T00:00:00Z', ended_at: null }],
  })
})

it('is told to nobody else', async () => {
  expect((await api.call('GET', '/server/doctor', { token: null })).status).toBe(401)
  expect((await api.call('GET', '/server/doctor', { token: api.stranger().token })).status).toBe(403)
})

it('all answers have the shape of their route', () => expectAllSeen('server/doctor.test.ts'))
