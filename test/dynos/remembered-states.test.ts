import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLog } from '../../src/log.ts'
import { PaasError } from '../../src/errors.ts'
import { RememberedStates } from '../../src/dynos/remembered-states.ts'
import type { DynoStateRecords } from '../../src/store/dyno-records.ts'
import { TestStore } from '../store/test-store.ts'

let record: TestStore
let isFull: boolean
let states: RememberedStates

beforeEach(() => {
  record = new TestStore()
  isFull = false
  states = new RememberedStates({ saved: unlessFull(record.store.dynoStates), log: createLog('test', 'silent') })
})
afterEach(() => record[Symbol.dispose]())

/** The record, whose writes fail for as long as the test says that the disk is full. */
function unlessFull(real: DynoStateRecords): DynoStateRecords {
  const write = <T>(work: () => T): T => {
    if (isFull) throw new PaasError('disk_full', 'The disk is full.')
    return work()
  }
  return {
    ...real,
    put: (dyno, change) => write(() => real.put(dyno, change)),
    forget: (id) => write(() => real.forget(id)),
    lose: (since) => write(() => real.lose(since)),
    keepOnly: (ids, since) => write(() => real.keepOnly(ids, since)),
  }
}

const web = (id: string) => {
  const facts = { name: 'web.1', type: 'web', size: 'basic', release: 2, attached: false }
  return { id, appId: record.app.id, ...facts }
}
const up = { state: 'up', since: new Date(1000), exitStatus: null, error: null } as const
const crashed = { ...up, state: 'crashed', exitStatus: 1 } as const
const onRecord = () => record.store.dynoStates.list(record.app.id).map(({ id, state }) => [id, state])

describe('the states of dynos on a full disk', () => {
  it('are found by whoever asks, and saved in the end once there is room', () => {
    states.put(web('a'), up)
    isFull = true
    states.put(web('a'), crashed)
    states.put(web('b'), up)
    expect(states.find('a')).toMatchObject({ state: 'crashed', exitStatus: 1 })
    expect(states.find('b')).toMatchObject({ state: 'up', name: 'web.1' })
    expect(onRecord()).toEqual([['a', 'up']])
    isFull = false
    states.put(web('c'), up)
    expect(onRecord()).toEqual([
      ['a', 'crashed'],
      ['b', 'up'],
      ['c', 'up'],
    ])
  })

  it('say of a dyno that is gone that it is, whatever comes after', () => {
    states.put(web('a'), up)
    isFull = true
    states.forget('a')
    states.put(web('a'), crashed)
    expect(states.find('a')).toBeUndefined()
    isFull = false
    states.keepOnly(new Set(), new Date(0))
    expect(onRecord()).toEqual([])
  })

  it('are forgotten with the dynos that the engine has no more', () => {
    isFull = true
    states.put(web('a'), up)
    states.put(web('b'), up)
    states.keepOnly(new Set(['b']), new Date(2000))
    isFull = false
    states.keepOnly(new Set(['b']), new Date(2000))
    expect(onRecord()).toEqual([['b', 'up']])
  })

  it('are lost with their engine as soon as that can be said', () => {
    states.put(web('a'), up)
    isFull = true
    expect(states.lose(new Date())).toEqual([])
    isFull = false
    expect(states.lose(new Date())).toMatchObject([{ id: 'a', state: 'up' }])
    expect(onRecord()).toEqual([['a', 'down']])
  })

  it('fail as ever for another reason', () => {
    const put = (): void => {
      throw new Error('it is broken')
    }
    const broken = { ...record.store.dynoStates, put }
    const log = createLog('test', 'silent')
    expect(() => new RememberedStates({ saved: broken, log }).put(web('a'), up)).toThrow('it is broken')
  })
})
