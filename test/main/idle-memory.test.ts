import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { keepMemoryLow } from '../../src/main/idle-memory.ts'

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

/** Bytes that a process holds after some work that left nothing, and once it has been idle. */
async function afterWork(): Promise<{ busy: number; idle: number }> {
  const child = fork(join(import.meta.dirname, 'works-and-rests.ts'), { execArgv: ['--max-semi-space-size=32'] })
  const [answer] = (await once(child, 'message')) as [{ busy: number; idle: number }]
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
