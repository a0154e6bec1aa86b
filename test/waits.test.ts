import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const files = execFileSync('git', ['ls-files', 'test/**.ts', ':!test/fixtures'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n')

/** Milliseconds: what `vitest.config.ts` gives a poll. */
const usual = 20_000

it('no test waits for less than a busy machine may need, as vi.waitFor does, whose limit is a second', () => {
  const found = files.flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    const short = [...text.matchAll(/\.poll\(.*\btimeout: ([\d_]+)/g)].filter(
      ([, limit = '']) => Number(limit.replaceAll('_', '')) < usual,
    )
    return [...(/\bvi\.waitFor\(/.test(text) ? ['vi.waitFor'] : []), ...short.map(([wait]) => wait)].map(
      (wait) => `${path}: ${wait}`,
    )
  })
  expect(found.filter((one) => !one.startsWith('test/waits.test.ts'))).toEqual([])
})
