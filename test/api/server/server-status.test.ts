import { expect, it } from 'vitest'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()

it('the status of the server says which processes answer and what they take, to admins', async () => {
  await api.createApp('acme')
  const { body } = await api.call('GET', '/server/status')
  expect(body).toMatchObject({ apps: 1, accounts: 1, builds: { pending: 0, running: 0 } })
  const processes = body['processes'] as unknown as { name: string; up: boolean; memory_bytes: number | null }[]
  expect(processes.find(({ name }) => name === 'api')?.memory_bytes).toBeGreaterThan(2 ** 20)
  expect(processes.find(({ name }) => name === 'router')).toEqual({ name: 'router', up: false, memory_bytes: null })
  const { token } = api.stranger()
  expect((await api.call('GET', '/server/status', { token })).status).toBe(403)
})

it('what each app takes of the disk is looked at behind the answer, for admins', async () => {
  const disk = async () => (await api.call('GET', '/server/disk')).body[0]
  expect(await disk()).toMatchObject({ app: { name: 'acme' }, disk: null, is_looking: true })
  await expect.poll(disk).toMatchObject({ is_looking: false, disk: { total_bytes: expect.any(Number) as number } })
  const { token } = api.stranger('other@example.com')
  expect((await api.call('GET', '/server/disk', { token })).status).toBe(403)
})

it('shows every route of its own', () => expectAllSeen('server/server-status.test.ts'))
