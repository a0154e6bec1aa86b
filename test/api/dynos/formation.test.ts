import { beforeEach, describe, expect, it } from 'vitest'
import type { App } from '../../../src/model/app.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile({ PAAS_DYNO_SIZES: 'performance-m=64/256,performance-l=1048576/256' })
let app: App
beforeEach(async () => {
  app = await api.newApp()
  api.deploy(app)
})

const scale = (...updates: object[]) => api.call('PATCH', `/apps/${app.name}/formation`, { body: { updates } })
const formation = () => api.store.formations.list(app.id).map(({ type, quantity, size }) => [type, quantity, size])

describe('scaling', () => {
  it.each([
    [3, 3],
    ['2', 2],
    ['+1', 2],
    ['-1', 0],
    [0, 0],
    ['100', 100],
  ])('web from 1 by %j gives %i', async (quantity, expected) => {
    const { status, body } = await scale({ type: 'web', quantity })
    expect([status, body]).toMatchObject([200, [{ type: 'web', quantity: expected, command: 'npm start' }]])
    expect(formation()).toContainEqual(['web', expected, 'basic'])
    expect(await api.takeJobs()).toEqual([{ kind: 'converge', appId: app.id }])
  })

  it.each([
    ['Standard-2X', 'standard-2x'],
    ['standard-1x', 'standard-1x'],
    [{ name: 'Performance-M' }, 'performance-m'],
  ])('to the size %j is the same in any case', async (size, expected) => {
    await scale({ type: 'web', size })
    expect(formation()).toContainEqual(['web', 1, expected])
    await scale({ type: 'worker', dyno_size: size })
    expect(formation()).toContainEqual(['worker', 0, expected])
  })

  it('one type alone works by its name and by its id', async () => {
    const { id } = api.store.formations.list(app.id)[0]!
    const one = (name: string) => api.call('PATCH', `/apps/${app.name}/formation/${name}`, { body: { quantity: '+1' } })
    expect((await one('web')).body['quantity']).toBe(2)
    expect((await one(id)).body['quantity']).toBe(3)
    expect((await api.call('GET', `/apps/${app.name}/formation/web`)).body).toMatchObject({
      id,
      quantity: 3,
      size: 'Basic',
    })
  })

  it.each<[string, object[], number, RegExp]>([
    ['more than 100', [{ type: 'web', quantity: 101 }], 422, /quantity of web would be 101; it must be from 0 to 100/],
    ['less than none', [{ type: 'web', quantity: '-2' }], 422, /would be -1/],
    ['half a dyno', [{ type: 'web', quantity: 1.5 }], 422, /updates\[0\]\.quantity must be/],
    ['a word', [{ type: 'web', quantity: 'many' }], 422, /updates\[0\]\.quantity must/],
    ['a huge number', [{ type: 'web', quantity: '9'.repeat(30) }], 422, /updates\[0\]\.quantity must/],
    [
      'a size that is none',
      [{ type: 'web', size: 'huge' }],
      422,
      /no dyno size "huge"; there are Eco, Basic, Standard-1X/,
    ],
    ['a type that is none', [{ type: 'wrong', quantity: 1 }], 404, /no process type "wrong".*It has: web, worker/],
    ['no updates', [], 422, /updates must NOT have fewer than 1 items/],
    [
      'one right and one wrong',
      [
        { type: 'web', quantity: 5 },
        { type: 'worker', quantity: 500 },
      ],
      422,
      /500/,
    ],
  ])('%s is refused, and nothing changes', async (_, updates, status, message) => {
    const answer = await scale(...updates)
    expect(answer.status).toBe(status)
    expect(String(answer.body['message'])).toMatch(message)
    expect(formation()).toEqual([
      ['web', 1, 'basic'],
      ['worker', 0, 'basic'],
    ])
  })

  it('what was never deployed is kept for the first deploy, whatever the type', async () => {
    const { name, id } = (await api.createApp()) as unknown as { name: string; id: App['id'] }
    const patch = (path: string, body: object) => api.call('PATCH', `/apps/${name}/formation${path}`, { body })
    const updates = [
      { type: 'web', quantity: '+1' },
      { type: 'clock', quantity: 1 },
    ]
    expect((await patch('', { updates })).body).toMatchObject([
      { type: 'web', quantity: 2, command: '' },
      { quantity: 1 },
    ])
    expect((await patch('/web', { quantity: 0 })).body).toMatchObject({ type: 'web', quantity: 0 })
    expect((await patch('/worker', { size: 'standard-2x' })).body).toMatchObject({ quantity: 0, size: 'Standard-2X' })
    expect((await api.call('GET', `/apps/${name}/dynos`)).body).toEqual([])
    api.deploy(api.store.apps.get(id)!)
    const kept = api.store.formations.list(id).map(({ type, quantity, size }) => [type, quantity, size])
    expect(kept).toEqual([
      ['web', 0, 'basic'],
      ['worker', 0, 'standard-2x'],
    ])
  })

  it('what was never deployed takes no name that is none, and so many', async () => {
    const { name } = (await api.createApp()) as unknown as { name: string }
    const many = Array.from({ length: 100 }, (_, n) => ({ type: `type-${n}`, quantity: 1 }))
    const call = (updates: object[]) => api.call('PATCH', `/apps/${name}/formation`, { body: { updates } })
    const wrong = await call([{ type: 'we b', quantity: 1 }])
    expect([wrong.status, wrong.body['message']]).toEqual([
      422,
      expect.stringContaining('"we b" is not a valid process type'),
    ])
    expect((await call(many)).status).toBe(200)
    const more = await call([{ type: 'web', quantity: 1 }])
    expect([more.status, more.body['message']]).toEqual([422, expect.stringContaining('100 process types, the limit')])
  })
})

describe('a size that is more than the machine has', () => {
  it('is taken when only its processors are, and both commands are told what its dynos get', async () => {
    const { status, headers } = await scale({ type: 'web', size: 'performance-m' })
    const told = /Performance-M has 256 processors \(this machine has \d+\): its dynos get all that the machine has\./
    expect(status).toBe(200)
    expect(headers['warning']).toMatch(told)
    expect(headers['warning-message']).toMatch(told)
    expect(formation()).toContainEqual(['web', 1, 'performance-m'])
  })

  it.each<[string, () => ReturnType<typeof scale>]>([
    ['a formation', () => scale({ type: 'worker', quantity: 1 }, { type: 'web', size: 'performance-l' })],
    [
      'one type',
      () => api.call('PATCH', `/apps/${app.name}/formation/web`, { body: { dyno_size: { name: 'Performance-L' } } }),
    ],
    [
      'a one-off dyno',
      () => api.call('POST', `/apps/${app.name}/dynos`, { body: { command: 'ls', size: 'performance-l' } }),
    ],
  ])('is refused for %s when its memory is, and nothing changes', async (_, ask) => {
    const { status, body } = await ask()
    expect([status, body['id']]).toEqual([422, 'invalid_params'])
    expect(body['message']).toMatch(
      /^Performance-L has 256 processors .* and 1048576 MB of memory \(this machine has \d+\); nothing was changed\. .*Basic.*PAAS_DYNO_SIZES/,
    )
    expect(formation()).toContainEqual(['web', 1, 'basic'])
    expect(await api.takeJobs()).toEqual([])
  })
})

describe('a dyno that should run and has no container', () => {
  it('is down since it was asked for, by the name it will have, until its type is scaled to zero', async () => {
    await scale({ type: 'worker', quantity: 1 })
    const { body } = await api.call('GET', `/apps/${app.name}/dynos`)
    expect(body).toMatchObject([
      { name: 'web.1', state: 'down', type: 'web', command: 'npm start', release: { version: 2 }, size: 'Basic' },
      { name: 'worker.1', state: 'down', reason: { id: 'not_started', message: 'is not started yet' } },
    ])
    const asked = api.store.formations.list(app.id).find(({ type }) => type === 'worker')!.updatedAt
    expect(body[1]!['updated_at']).toBe(asked.toISOString().replace(/\.\d+/, ''))
    expect((await api.call('GET', `/apps/${app.name}/dynos/${String(body[1]!['id'])}`)).body).toEqual(body[1])
    await scale({ type: 'web', quantity: 0 }, { type: 'worker', quantity: 0 })
    expect((await api.call('GET', `/apps/${app.name}/dynos`)).body).toEqual([])
  })
})

describe('restarting', () => {
  it.each([
    ['DELETE', '/dynos', null],
    ['DELETE', '/formations/web', 'web'],
    ['DELETE', '/dynos/web', 'web'],
    ['POST', '/dynos/worker/actions/stop', 'worker'],
    ['POST', '/formations/worker/actions/stop', 'worker'],
  ])('by %s %s is left to the worker', async (method, path, dyno) => {
    const { status, body } = await api.call(method, `/apps/${app.name}${path}`)
    expect([status, body]).toEqual([202, {}])
    expect(await api.takeJobs()).toEqual([{ kind: 'restart', appId: app.id, dyno }])
  })

  it.each([
    ['DELETE', '/dynos/web.9'],
    ['DELETE', '/dynos/wrong'],
    ['DELETE', '/formations/wrong'],
    ['GET', '/dynos/web.9'],
  ])('by %s %s, where there is nothing, is refused', async (method, path) => {
    expect((await api.call(method, `/apps/${app.name}${path}`)).status).toBe(404)
  })
})

describe('dyno sizes', () => {
  it('are listed, and found by name and id', async () => {
    const { body } = await api.call('GET', '/dyno-sizes')
    expect(body.map(({ name, memory }) => [name, memory])).toContainEqual(['standard-2x', 1])
    expect((await api.call('GET', `/apps/${app.name}/available-dyno-sizes`)).body).toEqual(body)
    const formation = await api.call('GET', `/apps/${app.name}/formation/web`)
    const used = (formation.body['dyno_size'] as unknown as { id: string }).id
    for (const name of [used, 'basic', 'Basic']) {
      expect((await api.call('GET', `/dyno-sizes/${name}`)).body).toMatchObject({
        id: used,
        name: 'basic',
        memory: 0.5,
      })
    }
    expect((await api.call('GET', '/dyno-sizes/huge')).status).toBe(404)
  })
})

it('every answer of this file was seen', () => expectAllSeen('dynos/formation.test.ts'))
