import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'

/** Before, two steps could share a number: servers have them, so they stay. */
const first = 43

it('each step of the schema has a number of its own, the next one', () => {
  const files = readdirSync(resolve(import.meta.dirname, '../../src/store/migrations'))
  const numbers = files.toSorted().map((file) => Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(file)?.[1]))
  const since = numbers.filter((number) => !(number < first))
  expect(since).toEqual(since.map((_, index) => first + index))
})
