import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'
import { check } from 'recheck'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')

/** What a stranger's text never reaches: it runs at the user's own desk, or when the operator sets the server up. */
const trusted =
  /^src\/(cli|doctor|installation|setup|build\/stack)\/|^src\/(settings-reader|settings-file|acme-settings|config)\.ts$/

/** Patterns that are put together when the server runs: of what, and why that is linear. */
const composed: Record<string, string> = {
  'src/api/http/absent.ts': 'words of this file, at the beginning',
  'src/api/http/unknown-route.ts': 'the server’s own routes, with [^/]+ between slashes',
  'src/model/clean-line.ts': 'alternatives that each begin with a character of their own',
  'src/one-offs/rendezvous.ts': 'one name of a protocol within a pattern without choice',
}

type Found = { file: string; source: string; flags: string }

describe('a regular expression that strangers’ text may meet', () => {
  const { literals, constructed } = expressions()

  it('takes time in proportion to the text, whatever the text is', { timeout: 240_000 }, async () => {
    const distinct = new Map(literals.map((found) => [`${found.source}/${found.flags}`, found]))
    const slow = await Promise.all([...distinct.values()].map(slowness))
    expect(slow.filter(Boolean)).toEqual([])
  })

  it('is a literal, or one of those that are known to be put together', () => {
    expect(new Set(constructed)).toEqual(new Set(Object.keys(composed)))
  })
})

async function slowness({ file, source, flags }: Found): Promise<string | undefined> {
  const verdict = await check(source, flags, { timeout: 200_000, checker: 'automaton' })
  if (verdict.status === 'safe') return undefined
  const why =
    verdict.status === 'unknown' ? verdict.error.kind : `${verdict.complexity.summary}: ${verdict.attack.pattern}`
  return `${file}: /${source}/${flags} ${why}`
}

function expressions(): { literals: Found[]; constructed: string[] } {
  const literals: Found[] = []
  const constructed: string[] = []
  for (const file of globSync(['src/**/*.ts', 'hooks/*.js'], { cwd: root })) {
    if (trusted.test(file)) continue
    const { program, errors } = parseSync(file, readFileSync(join(root, file), 'utf8'))
    expect(errors, file).toEqual([])
    new Visitor({
      Literal(node) {
        if ('regex' in node) literals.push({ file, source: node.regex.pattern, flags: node.regex.flags })
      },
      // A schema's, which Ajv compiles.
      Property({ key, value }) {
        const isPattern = key.type === 'Identifier' && key.name === 'pattern' && value.type === 'Literal'
        if (isPattern && typeof value.value === 'string') literals.push({ file, source: value.value, flags: 'u' })
      },
      NewExpression({ callee }) {
        if (callee.type === 'Identifier' && callee.name === 'RegExp') constructed.push(file)
      },
    }).visit(program)
  }
  return { literals, constructed }
}
