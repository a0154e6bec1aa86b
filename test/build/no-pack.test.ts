import { expect, it } from 'vitest'
import { undetected } from '../../src/build/no-pack.ts'
import { packFacts, buildingPacks } from '../../src/build/packs.ts'

const hintFor = (names: string[], { pack, paths = [] }: { pack?: string; paths?: string[] } = {}): string[] =>
  undetected(pack, { root: new Set(names), appDirectories: paths }).hint!.split('\n')

it.each([
  ['notes.ipynb', 'notes.ipynb looks like a Jupyter notebook: add requirements.txt, pyproject.toml'],
  ['main.go', 'main.go looks like Go: add go.mod or go.work.'],
  ['server.ts', 'server.ts looks like Node.js: add package.json.'],
  ['Package.swift', 'Package.swift looks like Swift, for which paas has no buildpack. Take one from elsewhere'],
  ['CMakeLists.txt', 'CMakeLists.txt looks like C or C++, for which paas has no buildpack.'],
])('a root with only %s is told what that means and what to add', (name, meaning) => {
  const [found, meant, choices] = hintFor(['README.md', name])
  expect(found).toBe(`The root of the repository has ${['README.md', name].toSorted().join(', ')}.`)
  expect(meant).toContain(meaning)
  expect(choices).toContain('Choose with: paas buildpacks:set NAME')
})

it('a directory that looks like an app is named with how to push it', () => {
  expect(hintFor(['README.md', 'web'], { paths: ['web/package.json'] })[1]).toBe(
    "web looks like an app (web/package.json). Push that directory alone: git subtree push --prefix 'web' paas main",
  )
})

it('many files are counted, and names that a terminal obeys are harmless', () => {
  const [found, meant] = hintFor([...Array.from({ length: 20 }, (_, index) => `b${index}`), 'a\u001b[2J.go'])
  expect(found).toMatch(/ and 13 more\.$/)
  expect(found + meant!).not.toContain('\u001b')
})

it('one that was named says what it looks for', () => {
  const [, missing] = hintFor(['index.html'], { pack: 'nodejs' })
  expect(missing).toContain('It looks there for package.json. Add it, or correct .buildpacks')
  expect(hintFor([], { pack: 'https://example.com/a.git' }).join()).toContain('has no files.,What it builds is missing')
})

it('all that can be built fits in a line', () => {
  expect(hintFor([]).at(-1)).toContain(buildingPacks.map((pack) => packFacts[pack].title).join(', '))
  expect(hintFor([]).at(-1)!.length).toBeLessThan(330)
})
