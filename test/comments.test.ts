import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseSync } from 'oxc-parser'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const rooms = ['src', 'hooks', 'buildpacks', 'builder', 'bin']
const files = tracked(...rooms).filter((path) => !/\.json$|\/LICENSE$/.test(path))

describe('comments', () => {
  it('have no line over 100 columns', () => {
    expect(files.flatMap((path) => commentLines(path).filter((line) => line.length > 100))).toEqual([])
  })

  it('cite no notes that the repository does not have, such as PLAN.md', () => {
    const names = new Set(tracked().map((path) => path.slice(path.lastIndexOf('/') + 1)))
    const cited = files.flatMap((path) => commentLines(path).flatMap((line) => line.match(/\b[A-Z]+\.md\b/g) ?? []))
    expect(cited.filter((name) => !names.has(name))).toEqual([])
  })

  it('cite only decision records that exist', () => {
    const records = tracked('docs/decisions').map((path) => path.slice('docs/decisions/'.length).slice(0, 4))
    const cited = files.flatMap((path) =>
      commentLines(path).flatMap((line) => line.match(/(?<=decisions\/)\d{4}/g) ?? []),
    )
    expect(cited.filter((number) => !records.includes(number))).toEqual([])
  })
})

function tracked(...paths: string[]): string[] {
  return execFileSync('git', ['ls-files', ...paths], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
}

/** The whole lines on which comments are, but for directives of the linter. */
function commentLines(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8')
  if (!/\.[cm]?[jt]s$/.test(path)) return text.split('\n').filter((line) => /^\s*(#|--) /.test(line))
  return parseSync(path, text).comments.flatMap(({ value, start, end }) => {
    if (value.trim().startsWith('oxlint-disable')) return []
    const from = text.lastIndexOf('\n', start - 1) + 1
    return text.slice(from, text.indexOf('\n', end) < 0 ? undefined : text.indexOf('\n', end)).split('\n')
  })
}
