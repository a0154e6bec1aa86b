import { expect, it } from 'vitest'
import { markOfAddress } from '../../../src/model/own-page.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
await api.createApp('acme')
const app = api.store.apps.find('acme')!
const url = 'https://example.com/oh.html'
const look = async () => (await api.call('GET', '/apps/acme/pages')).body

it('the pages of an app are those that its config vars name, and what became of them', async () => {
  expect(await look()).toEqual([])
  await api.takeJobs()
  await api.call('PATCH', '/apps/acme/config-vars', { body: { ERROR_PAGE_URL: url } })
  expect(await api.takeJobs()).toContainEqual({ kind: 'converge', appId: app.id })
  const none = {
    kind: 'error',
    config_var: 'ERROR_PAGE_URL',
    bytes: null,
    fetched_at: null,
    asked_at: null,
    problem: null,
  }
  expect(await look()).toEqual([{ ...none, status: 'pending' }])
  const asked = markOfAddress(url)
  api.store.ownPages.fail(app.id, 'error', { asked, problem: 'It is away.' })
  expect(await look()).toMatchObject([{ status: 'failed', problem: 'It is away.', bytes: null }])
  api.store.ownPages.show(app.id, 'error', { asked, content: '0'.repeat(64), bytes: 5, fetchedAt: new Date(1000) })
  expect(await look()).toMatchObject([
    { status: 'shown', problem: null, bytes: 5, fetched_at: new Date(1000).toISOString() },
  ])
  const refreshed = await api.call('POST', '/apps/acme/pages/refresh', { body: {} })
  expect([refreshed.status, refreshed.body]).toMatchObject([202, [{ status: 'pending', bytes: 5 }]])
  expect(await api.takeJobs()).toContainEqual({ kind: 'converge', appId: app.id })
})

it('all answers have the shape of their route', () => expectAllSeen('routing/own-pages.test.ts'))
