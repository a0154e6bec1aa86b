import { afterAll, beforeAll, expect, it } from 'vitest'
import { expectAllSeen } from './answers.ts'
import { TestApi } from './test-api.ts'

let api: TestApi
beforeAll(async () => {
  api = await TestApi.start()
  await api.createApp('acme')
})
afterAll(() => api[Symbol.asyncDispose]())

it.each(['/addons', '/addon-attachments', '/apps/acme/addons', '/apps/acme/addon-attachments'])(
  '%s is an empty list, so that clients which look for add-ons go on',
  async (path) => {
    expect(await api.call('GET', path)).toMatchObject({ status: 200, body: [] })
  },
)

it('an app that is not there has none of them', async () => {
  expect((await api.call('GET', '/apps/nobody/addons')).status).toBe(404)
})

it('all answers have the shape of their route', () => expectAllSeen('add-ons.test.ts'))
