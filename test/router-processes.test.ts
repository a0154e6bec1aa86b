import { describe, expect, it } from 'vitest'
import { usualRouterProcesses } from '../src/router-processes.ts'

const gib = 2 ** 30

describe('the processes of a router that nobody set', () => {
  it('are as many as there are processors, from four on', () => {
    const counts = [1, 2, 3, 4, 8, 16].map((processors) => usualRouterProcesses({ processors, memory: 64 * gib }))
    expect(counts).toEqual([1, 1, 1, 4, 8, 16])
  })

  it('are no more than there are GiB of memory, of which the kernel keeps a little for itself', () => {
    const counts = [0.5, 1, 1.9, 3.8, 7.7].map((size) => usualRouterProcesses({ processors: 8, memory: size * gib }))
    expect(counts).toEqual([1, 1, 2, 4, 8])
  })

  it('are sixteen at most', () => {
    expect(usualRouterProcesses({ processors: 128, memory: 512 * gib })).toBe(16)
  })
})
