import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MatchingEffort } from '../../src/build/matching-effort.ts'
import { PathPattern } from '../../src/build/path-pattern.ts'
import { slugignore } from '../../src/build/slugignore.ts'

describe('a pattern', () => {
  it.each([
    ['*a*a*a*a*a*a*a*a*b', 'a'.repeat(250)],
    ['**/'.repeat(20) + 'b', 'a/'.repeat(100)],
    ['a**'.repeat(20) + 'b', 'a'.repeat(250)],
    ['*[a-z]'.repeat(20) + '!', 'a'.repeat(250)],
    ['*?'.repeat(30) + '!', 'a'.repeat(250)],
    ['['.repeat(1000), '['.repeat(999)],
  ])('%.20s takes no more steps than its length times the path’s', (text, path) => {
    let steps = 0
    const matched = new PathPattern(text).matches(path, { spend: (more) => (steps += more) })
    expect(matched).toBe(false)
    expect(steps).toBeLessThanOrEqual((text.length + 2) * (path.length + 1))
  })

  it('among many is refused when all of them take too long for all files', () => {
    const effort = new MatchingEffort('.slugignore', 1000)
    const pattern = new PathPattern('**/*.tmp')
    expect(() => {
      for (let file = 0; file < 100; file++) pattern.matches(`directory/file-${file}`, effort)
    }).toThrow("The patterns of .slugignore take too long to match against the app's files.")
  })
})

describe('.slugignore', () => {
  it('leaves out what git ignores by the same patterns', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'paas-'))
    execFileSync('git', ['init', '--quiet', directory.path])
    const name = fc.constantFrom('a', 'b', 'ab', 'abc', 'c.d', ' x', '[a]')
    const part = fc.constantFrom('a', 'b', '*', '?', '[ab]', '[!a]', '[a-c]', 'c.d', '\\*', '.', '\\ ', ' ')
    // Git 2.39 takes `a**/b` for `a/**/b`, which its manual does not.
    const piece = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('').replaceAll('**', '*'))
    const between = fc.oneof({ weight: 4, arbitrary: piece }, fc.constant('**'))
    const pattern = fc
      .tuple(
        fc.constantFrom('', '/', '**/'),
        fc.array(between, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('', '/', '/**', ' '),
      )
      .map(([before, pieces, after]) => before + pieces.join('/') + after)
      .filter((text) => !text.startsWith('!'))
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'))
    const cases = fc.record({
      patterns: fc.array(pattern, { minLength: 1, maxLength: 3 }),
      paths: fc.uniqueArray(path, { minLength: 20, maxLength: 40 }),
    })
    fc.assert(
      fc.property(cases, ({ patterns, paths }) => {
        const text = patterns.join('\n')
        const isIgnored = slugignore(text)
        expect(paths.filter((file) => isIgnored(file, false))).toEqual(ignoredByGit(directory.path, text, paths))
      }),
      { numRuns: 50 },
    )
  })
})

function ignoredByGit(repository: string, patterns: string, paths: string[]): string[] {
  writeFileSync(join(repository, '.git/info/exclude'), `${patterns}\n`)
  const argv = ['-C', repository, 'check-ignore', '--no-index', '-z', '--stdin']
  try {
    return execFileSync('git', argv, { input: paths.map((path) => `${path}\0`).join('') })
      .toString()
      .split('\0')
      .slice(0, -1)
  } catch (cause) {
    // None is ignored (git-check-ignore(1), "Exit status").
    if ((cause as { status?: number }).status === 1) return []
    throw cause
  }
}
