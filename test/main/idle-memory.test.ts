import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { keepMemoryLow } from '../../src/main/idle-memory.ts'
import { leaveDescriptors } from '../helpers/descriptors.ts'

const mebibyte = 2 ** 20

it('what only the start needed is given back, and what is in use stays', () => {
  const kept = texts(5)
  const before = withGarbage()
  using _memory = keepMemoryLow({ serves: false })
  expect(process.memoryUsage().heapTotal).toBeLessThan(before - 40 * mebibyte)
  expect(kept).toEqual(texts(5))
})

it('a process that serves visitors collects nothing at its start', () => {
  const before = withGarbage()
  using _memory = keepMemoryLow({ serves: true })
  expect(process.memoryUsage().heapTotal).toBeGreaterThan(before - 20 * mebibyte)
})

it('the garbage collector stays out of reach for code that comes later', () => {
  using _memory = keepMemoryLow({ serves: false })
  expect('gc' in globalThis).toBe(false)
})

it('pages of a heap that is small again, and what malloc keeps, are given back by a process that is idle', async () => {
  const { busy, idle } = await afterWork()
  expect(idle).toBeLessThan(busy - 100 * mebibyte)
})

it('a process without descriptors lives on, and gives its memory back when it has some', async () => {
  const { busy, idle } = await afterWork(async (pid) => {
    using _few = leaveDescriptors(pid, 0)
    await delay(500)
  })
  expect(idle).toBeLessThan(busy - 100 * mebibyte)
})

/** Bytes that a process holds after some work that left nothing, and once it has been idle. */
async function afterWork(meanwhile?: (pid: number) => Promise<void>): Promise<{ busy: number; idle: number }> {
  const child = fork(join(import.meta.dirname, 'works-and-rests.ts'), { execArgv: ['--max-semi-space-size=32'] })
  await once(child, 'message')
  await meanwhile?.(child.pid ?? 0)
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`it exited with ${code}`)))
  const [answer] = (await Promise.race([once(child, 'message'), ended])) as [{ busy: number; idle: number }]
  child.kill()
  return answer
}

/** Grows the heap by 60 MiB that nobody holds when it returns. @returns bytes of heap at its height */
function withGarbage(): number {
  const held = texts(60)
  return held.length > 0 ? process.memoryUsage().heapTotal : 0
}

function texts(mebibytes: number): number[][] {
  return Array.from({ length: mebibytes }, (_, i) => Array.from({ length: mebibyte / 8 }, (_each, j) => i + j + 0.5))
}
