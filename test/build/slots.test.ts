import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { memoryRoom } from '../../src/build/memory-room.ts'
import { BuildSlots } from '../../src/build/slots.ts'
import { totalmem } from 'node:os'

const never = new AbortController().signal
const plenty = async () => undefined

/** A build that wants a slot: what it is told, and its slot once it has one. */
function asking(slots: BuildSlots, { losses = 0, stop = never } = {}) {
  const told: string[] = []
  const asked = { told, free: undefined as (() => void) | undefined }
  void slots.take({ losses }, stop, (text) => told.push(text)).then((free) => (asked.free = free))
  return asked
}

describe('builds beyond those that may compile at once', () => {
  it('are told how many are ahead, again whenever that changes', async () => {
    const slots = new BuildSlots({ count: 2, shortage: plenty })
    const [one, two, three, four] = [asking(slots), asking(slots), asking(slots), asking(slots)]
    await turn()
    one.free!()
    await expect.poll(() => three.free).toBeDefined()
    await turn()
    expect([one.told, two.told]).toEqual([[], []])
    expect(three.told).toEqual(['Waiting for 2 builds ahead'])
    expect(four.told).toEqual(['Waiting for 3 builds ahead', 'Waiting for 2 builds ahead'])
  })

  it('leave the line when they are told to stop', async () => {
    const slots = new BuildSlots({ count: 1, shortage: plenty })
    const stop = new AbortController()
    const [one, stopped, last] = [asking(slots), asking(slots, { stop: stop.signal }), asking(slots)]
    await turn()
    stop.abort()
    await expect.poll(() => last.told).toEqual(['Waiting for 2 builds ahead', 'Waiting for 1 build ahead'])
    expect(stopped.free).toBeDefined()
    one.free!()
    await expect.poll(() => last.free).toBeDefined()
  })

  it('wait until it is alone, for one with which the worker was lost', async () => {
    const slots = new BuildSlots({ count: 2, shortage: plenty })
    const [one, suspect] = [asking(slots), asking(slots, { losses: 1 })]
    await turn()
    expect(suspect).toMatchObject({ told: ['Waiting for 1 build ahead'], free: undefined })
    one.free!()
    await expect.poll(() => suspect.free).toBeDefined()
  })
})

describe('builds of a machine that is short of memory', () => {
  it('wait and say for what, but one at least is built', async () => {
    const slots = new BuildSlots({ count: 2, shortage: async () => 'a build may take 2048 MB, and 300 MB are left' })
    const [one, two] = [asking(slots), asking(slots)]
    await expect.poll(() => two.told).toEqual(['Waiting for memory: a build may take 2048 MB, and 300 MB are left'])
    expect(one).toMatchObject({ told: [], free: expect.any(Function) })
    expect(two.free).toBeUndefined()
    one.free!()
    await expect.poll(() => two.free).toBeDefined()
  })

  it('need their limit beside what those that have just begun may take', async () => {
    const memoryMiB = Math.floor(totalmem() / 2 ** 20)
    const room = (machine: number) =>
      memoryRoom({
        engine: { machine: async () => ({ cpus: 2, memoryMiB: machine }) },
        build: { memoryMiB: 512, cpus: 2 },
        availableMiB: () => 1000,
      })
    expect(await room(memoryMiB)([])).toBeUndefined()
    expect(await room(memoryMiB)([performance.now() - 60_000])).toBeUndefined()
    expect(await room(memoryMiB)([performance.now()])).toBe('a build may take 512 MB, and 488 MB are left')
    expect(await room(memoryMiB * 2)([performance.now()])).toBeUndefined()
  })
})
