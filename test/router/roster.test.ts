import { getHeapSpaceStatistics } from 'node:v8'
import { describe, expect, it } from 'vitest'
import { Roster } from '../../src/router/roster.ts'

type Named = { name: string; place: number; load?: unknown }

function named(...names: string[]): Named[] {
  return names.map((name) => ({ name, place: -1 }))
}

describe('a roster', () => {
  it('has those who came and have not left, whoever leaves first', () => {
    const [a, b, c, d] = named('a', 'b', 'c', 'd') as [Named, Named, Named, Named]
    const roster = new Roster<Named>()
    for (const one of [a, b, c]) roster.add(one)
    roster.delete(a)
    roster.add(d)
    roster.delete(c)
    expect([roster.size, new Set(roster.all())]).toEqual([2, new Set([b, d])])
    for (const one of [b, d]) roster.delete(one)
    expect([roster.size, roster.all()]).toEqual([0, []])
  })

  it('takes one that left before for gone', () => {
    const [a, b] = named('a', 'b') as [Named, Named]
    const roster = new Roster<Named>()
    for (const one of [a, b]) roster.add(one)
    for (let times = 0; times < 2; times++) roster.delete(a)
    expect(roster.all()).toEqual([b])
  })

  it('gives a list that does not change while they leave', () => {
    const roster = new Roster<Named>()
    for (const one of named('a', 'b', 'c')) roster.add(one)
    const seen: string[] = []
    for (const one of roster.all()) {
      seen.push(one.name)
      roster.delete(one)
    }
    expect(seen).toEqual(['a', 'b', 'c'])
  })

  // A `Set` keeps 9 to 15 MiB of it: its tables hang on one another, once one of them is old.
  it('leaves nothing of those who left among the old objects', () => {
    const roster = new Roster<Named>()
    const present: Named[] = []
    const come = (): void => {
      const one: Named = { name: 'one', place: -1, load: numbers() }
      roster.add(one)
      present.push(one)
      if (present.length > 64) roster.delete(present.shift()!)
    }
    for (let i = 0; i < 64; i++) come()
    for (let i = 0; i < 50_000; i++) numbers()
    const before = oldBytes()
    for (let i = 0; i < 30_000; i++) come()
    expect(oldBytes() - before).toBeLessThan(4 * 2 ** 20)
  })
})

function numbers(): number[] {
  return Array<number>(128).fill(0.5)
}

function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')!.space_used_size
}
