import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DynoLife } from '../../src/model/dyno.ts'
import { TestStore } from './test-store.ts'

let record: TestStore

beforeEach(() => {
  record = new TestStore()
  const { id: appId } = record.app
  const secrets = { url: 'https://example.com/', secret: 'key', authorization: null }
  record.store.webhooks.create({ appId, include: ['dyno'], level: 'notify', ...secrets })
})
afterEach(() => record[Symbol.dispose]())

const begin = Date.now()
const at = (second: number): Date => new Date(begin + second * 1000)

function put(state: DynoLife, second: number, exitStatus: number | null = null): void {
  const facts = { name: 'web.1', type: 'web', size: 'basic', release: 2, attached: false }
  const dyno = { id: 'a', appId: record.app.id, ...facts }
  record.store.dynoStates.put(dyno, { state, since: at(second), exitStatus, error: null })
}

/** What is told at that second. */
function news(second: number): string[] {
  const told = record.store.dynoStates.takeNews(at(second))
  return told.map(
    (one) => `${one.action} ${one.action === 'update' ? `${one.before} to ${one.dyno.state}` : one.dyno.state}`,
  )
}

describe('the news of a dyno', () => {
  it('is each state once, and leaves out what was over when somebody looked', () => {
    put('starting', 0)
    put('up', 1)
    expect(news(1)).toEqual(['create starting', 'update starting to up'])
    expect(news(2)).toEqual([])
    put('stopping', 3)
    put('stopped', 4)
    record.store.dynoStates.forget('a')
    expect(news(4)).toEqual(['destroy stopped'])
    expect(news(5)).toEqual([])
  })

  it('is one crash, however often it crashes, until it has been up for a minute', () => {
    put('up', 0)
    news(0)
    const told: string[] = []
    for (let second = 1; second < 600; second += 20) {
      put('crashed', second, 1)
      told.push(...news(second))
      put('starting', second + 1, 1)
      told.push(...news(second + 1))
      put('up', second + 2, 1)
      told.push(...news(second + 2))
    }
    expect(told).toEqual(['update up to crashed'])
    expect(news(640)).toEqual([])
    expect(news(644)).toEqual(['update crashed to up'])
    put('crashed', 645, 1)
    expect(news(645)).toEqual(['update up to crashed'])
    put('stopping', 646, 1)
    expect(news(646)).toEqual(['update crashed to stopping'])
  })

  it('goes with the app', () => {
    put('up', 0)
    record.store.apps.remove(record.app.id)
    expect(news(1)).toEqual([])
  })
})
