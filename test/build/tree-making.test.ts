import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { TreeMaking } from '../../src/build/tree-making.ts'
import type { KeptTree } from '../../src/build/trees.ts'
import type { Image } from '../../src/engine/engine.ts'

const tree: KeptTree = { path: 'node_modules', id: 'ab'.repeat(32), parts: 2 }
const kept = { tree, packs: ['nodejs'] }

/** Makings, each with what it was told, and an image that says what it is of. */
function observed() {
  const made: { id: string; parts: unknown[]; signal: AbortSignal }[] = []
  const making = new TreeMaking(async ({ tree: { id, parts: all } }, ready, signal) => {
    const one = { id, parts: [] as unknown[], signal }
    made.push(one)
    for await (const part of ready) if (one.parts.push(part) === all) break
    if (one.parts.length < all) throw new Error('no more parts')
    return { digest: id } as Image
  })
  return { making, made }
}

describe('the image of a tree', () => {
  it('is begun with the first part, and is there when all are', async () => {
    const { making, made } = observed()
    making.part(kept, 1)
    await expect.poll(() => made[0]?.parts).toEqual([1])
    making.part(kept, 2)
    await expect.poll(() => made[0]?.parts).toEqual([1, 2])
    expect(await making.whole(kept)).toEqual({ digest: tree.id })
    expect(made).toHaveLength(1)
  })

  it('is made of all parts when none was told of before, or not all', async () => {
    for (const told of [0, 1]) {
      const { making, made } = observed()
      for (let part = 1; part <= told; part++) making.part(kept, part)
      expect(await making.whole(kept)).toEqual({ digest: tree.id })
      expect(made.map(({ parts }) => parts)).toEqual([[1, 2]])
    }
  })

  it('is of what the build says at last, whatever it said before', async () => {
    const { making, made } = observed()
    making.part({ ...kept, tree: { ...tree, id: 'cd'.repeat(32) } }, 1)
    making.part(kept, 1)
    making.part({ ...kept, packs: ['python'] }, 2)
    expect(await making.whole(kept)).toEqual({ digest: tree.id })
    expect(made.map(({ id, signal }) => [id, signal.aborted])).toEqual([
      ['cd'.repeat(32), true],
      [tree.id, false],
    ])
  })

  it('is not begun in the middle, and takes no part twice', async () => {
    const { making, made } = observed()
    making.part(kept, 2)
    expect(made).toEqual([])
    making.part(kept, 1)
    making.part(kept, 1)
    await delay(10)
    expect(made[0]?.parts).toEqual([1])
  })

  it('is given up when the build ends without it', async () => {
    const { making, made } = observed()
    making.part(kept, 1)
    making[Symbol.dispose]()
    expect(made[0]?.signal.aborted).toBe(true)
  })

  it('is known at once not to be made, and a build that needs none goes on', async () => {
    const making = new TreeMaking(() => Promise.reject(new Error('too large')))
    const build = Promise.withResolvers<string>()
    const beside = making.beside(build.promise)
    making.part(kept, 1)
    await expect(beside).rejects.toThrow('too large')
    await expect(making.whole(kept)).rejects.toThrow('too large')
    const { making: unused } = observed()
    build.resolve('built')
    expect(await unused.beside(build.promise)).toBe('built')
  })

  it('is read from its first part by whoever comes later', async () => {
    const seen: unknown[] = []
    const making = new TreeMaking(async (_, ready) => {
      for await (const part of ready) if (part === 1) break
      for await (const part of ready) if (seen.push(part) === 2) break
      return { digest: 'made' } as Image
    })
    await making.whole(kept)
    expect(seen).toEqual([1, 2])
  })
})
