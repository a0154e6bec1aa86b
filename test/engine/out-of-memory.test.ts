import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { DynoExits } from '../../src/dynos/dyno-exits.ts'
import type { ContainerEvent } from '../../src/engine/docker/events.ts'
import { outOfMemoryFirst } from '../../src/engine/docker/out-of-memory.ts'

const dies = { one: { Action: 'die', id: 'one', code: 137 }, two: { Action: 'die', id: 'two', code: 137 } }

/** What is told of these events, the next of which comes when `afterMs` is over. */
async function told(...events: { Action: string; id?: string; code?: number; afterMs?: number }[]): Promise<string[]> {
  async function* source(): AsyncGenerator<ContainerEvent> {
    for (const { Action, id = 'one', code, afterMs = 0 } of events) {
      await delay(afterMs)
      const Attributes: Record<string, string> = code === undefined ? {} : { exitCode: String(code) }
      yield { Type: 'container', Action, Actor: { ID: id, Attributes }, timeNano: 0 }
    }
  }
  const ordered = await Array.fromAsync(outOfMemoryFirst(source()))
  return ordered.map(({ Action, Actor }) => `${Actor.ID} ${Action}`)
}

it('a kill for memory that the engine tells after the end comes before it', async () => {
  expect(await told(dies.one, { Action: 'oom', afterMs: 50 })).toEqual(['one oom', 'one die'])
})

it('one that it tells before stays there', async () => {
  expect(await told({ Action: 'oom' }, dies.one)).toEqual(['one oom', 'one die'])
})

it('an end by another kill is told, whatever follows', async () => {
  expect(await told(dies.one)).toEqual(['one die'])
  expect(await told(dies.one, { Action: 'start', id: 'two', afterMs: 1000 })).toEqual(['one die', 'two start'])
})

it('the next start and the removal come after the end, and what is told of others is not kept waiting', async () => {
  expect(await told(dies.one, { Action: 'start' }, { Action: 'oom', id: 'two' })).toEqual([
    'one die',
    'one start',
    'two oom',
  ])
  expect(await told(dies.one, { Action: 'start', id: 'two' }, { Action: 'destroy' })).toEqual([
    'two start',
    'one die',
    'one destroy',
  ])
})

it('each of two ends waits for its own', async () => {
  expect(await told(dies.one, dies.two, { Action: 'oom', id: 'two' }, { Action: 'oom' })).toEqual([
    'two oom',
    'two die',
    'one oom',
    'one die',
  ])
})

it('an exit with another code waits for nothing', async () => {
  const events = [{ Action: 'die', id: 'one', code: 1 }, { Action: 'start', id: 'two' }, { Action: 'oom' }]
  expect(await told(...events)).toEqual(['one die', 'two start', 'one oom'])
})

it('a kill for memory that is told too late is not taken for one of the next run', () => {
  const exits = new DynoExits()
  exits.record({ kind: 'exited', id: 'one', exitCode: 137 })
  exits.record({ kind: 'out-of-memory', id: 'one' })
  exits.record({ kind: 'started', id: 'one' })
  expect(exits.ranOutOfMemory('one')).toBe(false)
  exits.record({ kind: 'exited', id: 'one', exitCode: 1 })
  expect(exits.last('one')).toEqual({ code: 1, outOfMemory: false })
})
