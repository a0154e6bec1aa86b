import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLog } from '../../src/log.ts'
import type { Webhook, WebhookDelivery } from '../../src/model/webhook.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { Webhooks } from '../../src/webhooks/webhooks.ts'
import { HttpReceiver } from '../outbound/receiver.ts'
import { TestStore } from '../store/test-store.ts'

let record: TestStore
let receiver: HttpReceiver
let webhooks: Webhooks

beforeEach(async () => {
  // Only the clock by which attempts are due; timers and sockets are real.
  vi.useFakeTimers({ toFake: ['Date'] })
  record = new TestStore()
  receiver = await HttpReceiver.start()
  webhooks = start()
})
afterEach(async () => {
  await webhooks[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
  record[Symbol.dispose]()
  vi.useRealTimers()
})

function start(allow = ['127.0.0.0/8']): Webhooks {
  const outbound = createOutbound({ outbound: { allow }, certificateFiles: [], httpPort: 8080 })
  return new Webhooks({ store: record.store, outbound, describe: () => undefined, log: createLog('test', 'silent') })
}

function add(level: Webhook['level'] = 'sync', path = ''): Webhook {
  const url = `http://127.0.0.1:${receiver.port}/${path}`
  const secrets = { secret: 'key', authorization: null }
  return record.store.webhooks.create({ appId: record.app.id, url, include: ['api:app'], level, ...secrets })
}

function publish(n = 1): void {
  const { app, account } = record
  const event = { appId: app.id, include: 'api:app', action: 'update', actor: account, previousData: {} } as const
  record.store.webhookDeliveries.publish({ ...event, data: { n } })
}

function deliveries(): WebhookDelivery[] {
  return record.store.webhookDeliveries.list(record.app.id)
}

/** Until so many attempts at the first delivery are in the record. */
async function attempted(count: number): Promise<WebhookDelivery> {
  await expect.poll(() => deliveries()[0]?.attempts).toBe(count)
  return deliveries()[0]!
}

describe('a delivery', () => {
  it('at level sync is tried ten times, later and later, with the same event', async () => {
    receiver.answer = (response) => response.writeHead(500).end()
    add()
    publish()
    for (let attempt = 1; attempt < 10; attempt++) {
      const { status, nextAttemptAt, lastAttempt } = await attempted(attempt)
      expect([status, lastAttempt?.code]).toEqual(['retrying', 500])
      expect(nextAttemptAt!.getTime() - lastAttempt!.at.getTime()).toBeGreaterThanOrEqual(5000 * 3 ** (attempt - 1))
      vi.setSystemTime(nextAttemptAt!)
    }
    expect(await attempted(10)).toMatchObject({ status: 'failed', nextAttemptAt: null })
    const ids = receiver.requests.map(({ body }) => (JSON.parse(body) as { id: string }).id)
    expect([ids.length, new Set(ids).size]).toEqual([10, 1])
  })

  it('at level notify is tried once', async () => {
    receiver.answer = (response) => response.writeHead(404).end()
    add('notify')
    publish()
    expect(await attempted(1)).toMatchObject({ status: 'failed', nextAttemptAt: null })
  })

  it('ends with the first success', async () => {
    receiver.answer = (response) => response.writeHead(receiver.requests.length === 1 ? 503 : 202).end()
    add()
    publish()
    vi.setSystemTime((await attempted(1)).nextAttemptAt!)
    expect(await attempted(2)).toMatchObject({ status: 'succeeded', nextAttemptAt: null, lastAttempt: { code: 202 } })
  })

  it('that was under way when the server stopped is made after its next start', async () => {
    const arrived = Promise.withResolvers<void>()
    receiver.answer = () => arrived.resolve()
    add()
    publish()
    await arrived.promise
    await webhooks[Symbol.asyncDispose]()
    expect(deliveries()).toMatchObject([{ status: 'pending', attempts: 0 }])
    receiver.answer = (response) => response.writeHead(200).end()
    webhooks = start()
    expect(await attempted(1)).toMatchObject({ status: 'succeeded' })
  })

  it('to an address that is not permitted any more, or to a redirect, fails', async () => {
    await webhooks[Symbol.asyncDispose]()
    webhooks = start([])
    add()
    publish()
    const { nextAttemptAt, lastAttempt } = await attempted(1)
    expect(lastAttempt).toMatchObject({ code: null, errorClass: 'address_forbidden' })
    expect(receiver.requests).toEqual([])
    await webhooks[Symbol.asyncDispose]()
    webhooks = start()
    receiver.answer = (response) => response.writeHead(302, { location: 'http://127.0.0.1/' }).end()
    vi.setSystemTime(nextAttemptAt!)
    expect((await attempted(2)).lastAttempt).toMatchObject({ code: 302 })
  })

  it('to a server that never answers keeps no other waiting', async () => {
    receiver.answer = (response, { path }) => (path === '/dead' ? undefined : response.writeHead(200).end())
    add('sync', 'dead')
    for (let n = 0; n < 50; n++) publish(n)
    await expect.poll(() => receiver.requests.length).toBe(2)
    const alive = add('sync', 'alive')
    publish()
    await expect.poll(() => deliveries().find(({ webhookId }) => webhookId === alive.id)?.status).toBe('succeeded')
    expect(receiver.requests.filter(({ path }) => path === '/dead').length).toBe(2)
  })
})

describe('the record', () => {
  it('keeps the newest thousand events of an app, with their deliveries', () => {
    add()
    record.store.transaction(() => {
      for (let n = 1; n <= 1005; n++) publish(n)
    })
    const events = record.store.webhookDeliveries.listEvents(record.app.id)
    expect([events.length, events[0]?.data, events.at(-1)?.data]).toEqual([1000, { n: 6 }, { n: 1005 }])
    expect(deliveries().length).toBe(1000)
  })

  it('has nothing more of a webhook that is removed', () => {
    const { id } = add()
    add('notify')
    publish()
    expect(deliveries().length).toBe(2)
    record.store.webhooks.remove(id)
    expect(deliveries().map(({ level }) => level)).toEqual(['notify'])
  })

  it('keeps of an app that is gone what its webhooks are still to be told, until they are', async () => {
    receiver.answer = (response) => response.writeHead(receiver.requests.length === 1 ? 503 : 200).end()
    const told = add()
    publish()
    await attempted(1)
    add('notify', 'not-told-of-anything')
    record.store.apps.remove(record.app.id)
    const left = () => {
      const { webhooks: hooks, webhookDeliveries: events } = record.store
      return [hooks.list(record.app.id).map(({ id }) => id), events.listEvents(record.app.id).length]
    }
    expect(left()).toEqual([[told.id], 1])
    vi.setSystemTime(deliveries()[0]!.nextAttemptAt!)
    await expect.poll(left).toEqual([[], 0])
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/', '/'])
  })

  it('notes no change of an app without webhooks', () => {
    record.createBuild()
    expect(record.store.webhooks.takeChanges()).toEqual([])
    add()
    const { id } = record.createBuild('b').build
    expect(record.store.webhooks.takeChanges()).toContainEqual({
      appId: record.app.id,
      kind: 'build',
      id,
      action: 'create',
    })
    expect(record.store.webhooks.takeChanges()).toEqual([])
  })
})
