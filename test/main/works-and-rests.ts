import { setTimeout as delay } from 'node:timers/promises'
import { keepMemoryLow } from '../../src/main/idle-memory.ts'

/** Tells its parent how many bytes it holds after work of which nothing is left but one block, and after a rest. */

using _memory = keepMemoryLow({ serves: true, interval: 100 })
process.send?.('begins')
await delay(1500) // what its start needed is given back
const newest = blocks().at(-1)
for (let round = 0; round < 100; round++) shortLived()
const busy = process.memoryUsage.rss()
const end = performance.now() + 10_000
const isLow = (): boolean => process.memoryUsage.rss() < busy - 100 * 2 ** 20
while (!isLow() && performance.now() < end) await delay(100)
process.send?.({ busy, idle: process.memoryUsage.rss(), newest: newest?.length })

/** 60 MiB of malloc's heap: the newest block keeps it from shrinking by itself. */
function blocks(): Buffer[] {
  return Array.from({ length: 3000 }, () => Buffer.alloc(20 * 1024, 1))
}

/** Some MiB of the heap for young objects, which grows by them. */
function shortLived(): number {
  return Array.from({ length: 100_000 }, (_, n) => ({ n })).length
}
