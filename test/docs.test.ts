import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const pages = globSync(['*.md', 'docs/*.md', 'buildpacks/*.md'], { cwd: root })

describe.each(pages)('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8')

  it('has no line over 140 columns', () => {
    expect(text.split('\n').filter((line) => line.length > 140)).toEqual([])
  })

  it('links only to files and headings that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
    const broken = links.filter(
      ([, path = '', heading]) => !leads(path === '' ? page : join(dirname(page), path), heading),
    )
    expect(broken.map(([link]) => link)).toEqual([])
  })
})

function leads(path: string, heading: string | undefined): boolean {
  if (!existsSync(join(root, path))) return false
  return heading === undefined || anchorsOf(readFileSync(join(root, path), 'utf8')).includes(heading)
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  )
}
