import { expect, it } from 'vitest'
import { checkFacts, factsDiffer } from '../../src/services/facts.ts'

const noted = ['all\t2\tc0ffee', 'db0\t2']

it('facts that are the same differ in nothing, whatever else has no checksum', () => {
  expect(factsDiffer(noted, [...noted])).toBeUndefined()
  expect(factsDiffer(['all\t2', 'db0\t2'], noted)).toBeUndefined()
  expect(factsDiffer(noted, ['all\t2', 'db0\t2'])).toBeUndefined()
})

it('another sum or count, a line that is missing and one too many are told', () => {
  expect(factsDiffer(noted, ['all\t2\tbad', 'db0\t2'])).toBe('"all 2 bad" in place of "all 2 c0ffee"')
  expect(factsDiffer(noted, ['all\t20', 'db0\t2'])).toBe('"all 20" in place of "all 2 c0ffee"')
  expect(factsDiffer(noted, ['all\t2\tc0ffee'])).toBe('nothing in place of "db0 2"')
  expect(() => checkFacts(noted, [...noted, 'db1\t1'])).toThrow('not what was backed up: "db1 1" in place of nothing.')
})

it('as many lines as a database of a hundred thousand tables has are compared at once', () => {
  const many = Array.from({ length: 100_000 }, (_, number) => `table public.t${number}\t0\tc0ffee`)
  const begun = performance.now()
  expect(factsDiffer(many, [...many.slice(0, -1), 'table public.t99999\t1\tbad'])).toBe(
    '"table public.t99999 1 bad" in place of "table public.t99999 0 c0ffee"',
  )
  expect(performance.now() - begun).toBeLessThan(5000)
})
