import { minuteOf } from '../../../src/model/figures.ts'
import { appendFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { createLog } from '../../../src/log.ts'
import { figureFile } from '../../../src/metrics/figure-files.ts'
import { tidyFigures } from '../../../src/metrics/tidy-figures.ts'
import { FigureWriter } from '../../../src/metrics/figure-writer.ts'
import { serveFigures } from '../../../src/metrics/role-socket.ts'
import type { AddonId } from '../../../src/model/ids.ts'
import { RequestTally } from '../../../src/metrics/request-tally.ts'
import type { AppId } from '../../../src/model/ids.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()

/** An app that was asked in each of these minutes, counted back from now. */
async function appWithRequests(name: string, ...ago: number[]): Promise<AppId> {
  const { id } = await api.createApp(name)
  const appId = id as unknown as AppId
  await using writer = new FigureWriter({ directory: api.config.paths.metrics, log: createLog('test', 'silent') })
  for (const minutes of ago) {
    const tally = new RequestTally()
    tally.record({ status: 200, code: undefined, bytes: 100, times: { connect: 1, service: 9 } })
    tally.record({ status: 503, code: 'H12', bytes: 50, times: { connect: 1, service: 30_000 } })
    writer.write(appId, { minute: minuteOf(Date.now()) - minutes, requests: tally.figures() })
  }
  writer.write(appId, { minute: minuteOf(Date.now()), dynos: { count: 1, memory: 4711, largest: 4711, cpu: 0.25 } })
  return appId
}

describe('GET /apps/:app/metrics', () => {
  it('gives the last hour by the minute, also while no router can be asked', async () => {
    await appWithRequests('busy', 1, 2, 300)
    const { status, body } = await api.call('GET', '/apps/busy/metrics')
    expect(status).toBe(200)
    expect(body).toMatchObject({ app: { name: 'busy' }, period: 'hour', resolution: 60 })
    expect(body['points']).toHaveLength(60)
    expect(body['totals']).toEqual({
      bytes: 300,
      codes: { H12: 2 },
      dynos: { cpu: 0.25, largest_memory: 4711, memory: 4711, quantity: 1 },
      errors: 2,
      latency: {
        mean: 15_005.5,
        p50: expect.closeTo(10, -1),
        p95: expect.any(Number),
        p99: expect.any(Number),
      },
      requests: 4,
      statuses: { '1xx': 0, '2xx': 2, '3xx': 0, '4xx': 0, '5xx': 2 },
    })
    const begin = Date.parse(String(body['begin_at']))
    expect(Date.parse(String(body['end_at'])) - begin).toBe(3_600_000)
    expect(Date.parse(String(body['points']![0]!['at']))).toBe(begin)
  })

  it('has what its add-ons take of what they may, as far as the worker says', async () => {
    await api.createApp('storing')
    const { body: made } = await api.call('POST', '/apps/storing/addons', { body: { plan: 'redis:premium-0' } })
    const id = made['id'] as unknown as AddonId
    api.store.addons.setState(id, { kind: 'provisioned', work: null })
    api.store.addons.recordBytes(id, { bytes: 600, fill: 'full' })
    const away = await api.call('GET', '/apps/storing/metrics')
    expect(away.body['addons']).toMatchObject([{ memory: { most: 128 * 2 ** 20, used: null }, since: null }])
    const use = { since: '2026-01-01T00:00:00.000Z', memoryBytes: 5, diskBytes: 600, connections: 3 }
    await using _ = await serveFigures(api.config.paths.workerSocket, () => ({ addons: { [id]: use } }))
    expect((await api.call('GET', '/apps/storing/metrics')).body['addons']).toEqual([
      {
        connections: { most: 40, used: 3 },
        disk: { most: 512 * 2 ** 20, used: 600 },
        id,
        memory: { most: 128 * 2 ** 20, used: 5 },
        name: made['name'],
        read_only: true,
        since: use.since,
      },
    ])
  })

  it('gives the last day in steps of ten minutes', async () => {
    await appWithRequests('daily', 1, 300, 1500)
    const { body } = await api.call('GET', '/apps/daily/metrics?period=day')
    expect([body['resolution'], body['points']!.length, body['totals']!['requests']]).toEqual([600, 144, 4])
  })

  it('gives the last week in steps of half an hour, and an earlier hour or day', async () => {
    const appId = await appWithRequests('weekly', 1, 300, 1600)
    const now = minuteOf(Date.now())
    await tidyFigures(api.config.paths.metrics, { exists: (id) => id === appId, now, log: createLog('test', 'silent') })
    const { body } = await api.call('GET', '/apps/weekly/metrics?period=week')
    expect([body['resolution'], body['points']!.length, body['totals']!['requests']]).toEqual([1800, 336, 6])
    const until = (ago: number) => new Date((now - ago) * 60_000).toISOString()
    const hour = await api.call('GET', `/apps/weekly/metrics?period=hour&until=${until(299)}`)
    expect([hour.body['resolution'], hour.body['totals']!['requests']]).toEqual([60, 2])
    expect(hour.body['points']!.at(-1)).toMatchObject({ requests: 2 })
    const day = await api.call('GET', `/apps/weekly/metrics?period=day&until=${until(1441)}`)
    expect([day.body['resolution'], day.body['points']!.length, day.body['totals']!['requests']]).toEqual([1800, 48, 2])
    expect((await api.call('GET', '/apps/weekly/metrics?until=soon')).body['id']).toBe('invalid_params')
  })

  it('says null where there was nothing', async () => {
    await api.createApp('silent')
    const { body } = await api.call('GET', '/apps/silent/metrics')
    expect(body['totals']).toMatchObject({ requests: 0, latency: null, dynos: null })
  })

  it('leaves out what is damaged', async () => {
    const appId = await appWithRequests('damaged', 0)
    await appendFile(figureFile(api.config.paths.metrics, appId, minuteOf(Date.now())), '\n{"minute":')
    expect((await api.call('GET', '/apps/damaged/metrics')).body['totals']!['requests']).toBe(2)
  })

  it('refuses periods and parameters that are unknown', async () => {
    await api.createApp('strict')
    for (const period of ['month', '', 'constructor', 'hour&period=day']) {
      const { status, body } = await api.call('GET', `/apps/strict/metrics?period=${period}`)
      expect([status, body['id']]).toEqual([422, 'invalid_params'])
      expect(String(body['message'])).toContain('it must be hour, day or week')
    }
    const { status, body } = await api.call('GET', '/apps/strict/metrics?from=1')
    expect([status, body['message']]).toEqual([422, '"from" is not known; known are period and until.'])
  })

  it('answers a stranger as if there were no such app', async () => {
    await appWithRequests('private', 0)
    const { token } = api.stranger()
    const theirs = await api.call('GET', '/apps/private/metrics', { token })
    const nobodys = await api.call('GET', '/apps/nobodys/metrics', { token })
    expect([theirs.status, nobodys.status]).toEqual([404, 404])
    expect(theirs.body['id']).toBe(nobodys.body['id'])
    expect((await api.call('GET', '/apps/private/metrics', { token: null })).status).toBe(401)
    const guest = api.stranger('guest@example.com')
    api.store.collaborators.set(api.store.apps.find('private')!.id, guest.account.id, 'view')
    expect((await api.call('GET', '/apps/private/metrics', { token: guest.token })).status).toBe(200)
    expect(
      (await api.call('GET', '/apps/private/metrics', { token: api.tokenOf(api.admin, ['identity']) })).status,
    ).toBe(403)
  })
})

it('shows every route of its own', () => expectAllSeen('apps/app-metrics.test.ts'))
