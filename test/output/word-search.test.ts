import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMask } from '../../src/output/mask.ts'
import { WordSearch } from '../../src/output/word-search.ts'

describe('a search for words', () => {
  it('finds every place that lies in one of them', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 40 })
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 6 }))
    fc.assert(
      fc.property(text, words, (searched, wanted) => {
        const found = new WordSearch(wanted).find(searched)
        const covered = places(searched).map((place) => found.some(({ start, end }) => start <= place && place < end))
        const expected = places(searched).map((place) => wanted.some((word) => covers(searched, word, place)))
        expect(covered).toEqual(expected)
      }),
    )
  })
})

function covers(text: string, word: string, place: number): boolean {
  return places(word).some((offset) => place >= offset && text.startsWith(word, place - offset))
}

function places(text: string): number[] {
  return Array.from(text, (_, place) => place)
}

describe('a mask', () => {
  it('reads a line once, however long and alike the secrets are', () => {
    const alike = Array.from({ length: 300 }, (_, index) => [`KEY_${index}`, `${'a'.repeat(100)}${index}`])
    const mask = createMask({ ...Object.fromEntries(alike), LONG: `${'a'.repeat(20_000)}b` })
    const line = 'a'.repeat(60_000)
    for (let lines = 0; lines < 20; lines++) expect(mask.apply(line)).toBe(line)
    expect(mask.apply(`${line}b`)).toBe(`${'a'.repeat(40_000)}[secret]`)
  })
})
