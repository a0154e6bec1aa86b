import { describe, expect, it } from 'vitest'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
const app = await api.newApp('changes')

async function set(vars: Record<string, string | null>): Promise<void> {
  expect((await api.call('PATCH', '/apps/changes/config-vars', { body: vars })).status).toBe(200)
}

describe('what a release changes', () => {
  it('is told from the one before it, and names config vars without their values', async () => {
    await set({ KEPT: 'secret-one', CHANGED: 'secret-two', GONE: 'secret-three' })
    await set({ CHANGED: 'secret-four', GONE: null, ADDED: 'secret-five' })
    const { body, text } = await api.call('GET', '/apps/changes/releases/v3/changes')
    expect(body).toMatchObject({
      release: { version: 3 },
      since: { version: 2 },
      config: { added: ['ADDED'], changed: ['CHANGED'], removed: ['GONE'] },
      code: { is_same: true },
    })
    expect(text).not.toContain('secret')
  })

  it('is told from any other, as for a rollback', async () => {
    api.deploy(app, 'd'.repeat(40))
    const { body } = await api.call('GET', '/apps/changes/releases/v2/changes?since=current')
    expect(body).toMatchObject({
      since: { version: 4 },
      config: { added: ['GONE'], changed: ['CHANGED'], removed: ['ADDED'] },
      code: { from: 'd'.repeat(40), to: null, is_same: false },
    })
    expect((await api.call('GET', '/apps/changes/releases/v2/changes?since=v99')).status).toBe(404)
    expect((await api.call('GET', '/apps/changes/releases/v1/changes')).body['since']).toBeNull()
  })

  it('shows every route of its own', () => expectAllSeen('builds/release-changes.test.ts'))
})
