import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { packsDirectory } from '../../src/build/packs.ts'

/** What the packs that are written in shell find, of a tool with these names. */
function asked(files: Record<string, string>, ...names: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'paas-versions-'))
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
    const script = `set -euo pipefail; source ${join(packsDirectory, 'lib/versions.sh')}
      asked_version ${names.join(' ')}; echo "$asked_version, $asked_in"`
    return spawnSync('bash', ['--norc', '-c', script], { cwd: directory, encoding: 'utf8' }).stdout.trim()
  } finally {
    rmSync(directory, { recursive: true })
  }
}

it.each<[string, Record<string, string>, string]>([
  ['.tool-versions', { '.tool-versions': '# ours\nnodejs 22.1.0\nruby 3.4.1 3.3.0\n' }, '3.4.1, .tool-versions'],
  ['mise.toml', { 'mise.toml': '[tools]\nnode = "22"\nruby = "3.4"\n' }, '3.4, mise.toml'],
  ['a table in .mise.toml', { '.mise.toml': '[tools]\n"ruby" = { version = "3.4.2" }\n' }, '3.4.2, .mise.toml'],
  ['the first of several', { 'mise.toml': "[tools]\nruby = ['3.4', '3.3']\n" }, '3.4, mise.toml'],
  [
    'mise.toml before .tool-versions',
    { 'mise.toml': '[tools]\nruby = "3.4"\n', '.tool-versions': 'ruby 3.3\n' },
    '3.4, mise.toml',
  ],
  [
    '.tool-versions where mise.toml has none',
    {
      'mise.toml': '[env]\nruby = "x"\n[tools]\nnode = "22"\n[tasks.ruby]\nruby = "y"\n',
      '.tool-versions': 'ruby 3.3\n',
    },
    '3.3, .tool-versions',
  ],
  ['nothing', { 'mise.toml': '[tools]\n# ruby = "3.4"\n' }, ','],
])('a version is asked for by %s', (_, files, expected) => {
  expect(asked(files, 'ruby')).toBe(expected)
})

it('a tool may have several names', () => {
  expect(asked({ '.tool-versions': 'golang 1.25\n' }, 'go', 'golang')).toBe('1.25, .tool-versions')
})
