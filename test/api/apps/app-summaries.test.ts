import { describe, expect, it } from 'vitest'
import { createLog } from '../../../src/log.ts'
import { FigureWriter } from '../../../src/metrics/figure-writer.ts'
import { quantileError } from '../../../src/metrics/histogram.ts'
import { RequestTally } from '../../../src/metrics/request-tally.ts'
import { minuteOf } from '../../../src/model/figures.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()

describe('a summary', () => {
  it('says of an app without a deploy that it is empty', async () => {
    await api.newApp('blank')
    const { body } = await api.call('GET', '/apps/blank/summary')
    expect(body).toMatchObject({ state: 'empty', release: null, build: null, dynos: { wanted: 0, up: 0 } })
    expect(body['traffic']).toEqual({ per_minute: Array.from({ length: 60 }, () => 0), p95: null })
  })

  it('has the requests of each minute of the last hour, and what 95 % of them took', async () => {
    const app = await api.newApp('busy')
    const now = minuteOf(Date.now())
    await using writer = new FigureWriter({ directory: api.config.paths.metrics, log: createLog('test', 'silent') })
    for (const ago of [75, 31, 31, 2]) {
      const tally = new RequestTally()
      for (const status of [200, 500])
        tally.record({ status, code: undefined, bytes: 9, times: { connect: 1, service: 99 } })
      writer.write(app.id, { minute: now - ago, requests: tally.figures() })
    }
    const dynos = { count: 1, memory: 5e7, largest: 5e7, cpu: 0.1 }
    writer.write(app.id, { minute: now - 3, dynos })
    await writer[Symbol.asyncDispose]()
    const { per_minute: minutes, p95 } = (await api.call('GET', '/apps/busy/summary')).body['traffic'] as never
    expect((minutes as number[]).filter((count) => count > 0)).toEqual([4, 2])
    expect(Math.abs(p95 - 100) / 100).toBeLessThan(quantileError)
  })

  it('says what serves, since when and by whom, and how its dynos are', async () => {
    const app = await api.newApp('blog')
    const { release, build } = api.deploy(app, 'c'.repeat(40), { web: 'npm start' })
    api.store.formations.scale(app.id, [
      { type: 'web', quantity: 2 },
      { type: 'worker', quantity: 0 },
    ])
    const facts = { appId: app.id, type: 'web', size: 'standard-1x', release: release.version, attached: false }
    const seen = { since: new Date(), exitStatus: null, error: null }
    api.store.dynoStates.put({ ...facts, id: 'one', name: 'web.1' }, { ...seen, state: 'up' })
    const { body } = await api.call('GET', '/apps/blog/summary')
    expect(body).toMatchObject({
      app: { name: 'blog' },
      build: { id: build.id, state: 'succeeded', user: { email: 'admin@example.com' } },
      release: { version: 2, commit: 'c'.repeat(40), user: { email: 'admin@example.com' } },
      dynos: { wanted: 2, up: 1, crashed: 0 },
      state: 'starting',
    })
    api.store.dynoStates.put({ ...facts, id: 'two', name: 'web.2' }, { ...seen, state: 'crashed', exitStatus: 1 })
    expect((await api.call('GET', '/apps/blog/summary')).body['state']).toBe('crashed')
    await api.call('PATCH', '/apps/blog', { body: { maintenance: true } })
    expect((await api.call('GET', '/apps/blog/summary')).body['state']).toBe('maintenance')
  })
})

describe('the list of summaries', () => {
  it('has the apps that one may see, in parts', async () => {
    const { account, token } = api.stranger()
    const app = await api.newApp('shared')
    api.store.collaborators.set(app.id, account.id, 'view')
    const names = async (headers = {}, asked = token) =>
      (await api.call('GET', '/app-summaries', { token: asked, headers })).body.map((one) => one['app']?.['name'])
    expect(await names()).toEqual(['shared'])
    expect(await names({ range: 'name ..; max=1' }, api.token)).toEqual(['blank'])
  })

  it('shows every route of its own', () => expectAllSeen('apps/app-summaries.test.ts'))
})
