import { mkdtemp, mkdtempDisposable, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run } from '../helpers/repository.ts'

const lib = resolve(import.meta.dirname, '../../buildpacks/lib')

/** As lib/javascript/dependencies.sh calls it, of one package whose script is the app's file `script`. */
const build = `
set -euo pipefail
build_dir=$1/app cache_dir=$1/cache env_dir=$1/env javascript=${lib}/javascript
source ${lib}/tree.sh
source ${lib}/javascript/scripts.sh
mkdir -p "$cache_dir"
cd "$build_dir"
if ! restore_tree node_modules key; then
  mkdir -p node_modules/a/lib
  echo one >node_modules/a/lib/one
  echo two >node_modules/a/two
  cp "$1/script" node_modules/a/install
  keep_tree node_modules key
fi
hide_from_scripts
if take_kept_scripts; then
  echo kept
else
  watch_scripts
  (cd node_modules/a && env "\${unseen[@]}" bash --norc ./install)
  keep_scripts
fi`

/** Builds of an app one after another, each with these files and variables and no others. */
async function app(script: string) {
  const root = await mkdtemp(join(tmpdir(), 'paas-scripts-'))
  await writeFile(join(root, 'script'), script)
  const put = async (directory: string, files: Record<string, string>) => {
    await rm(join(root, directory), { recursive: true, force: true })
    await mkdir(join(root, directory), { recursive: true })
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, directory, name)), { recursive: true })
      await writeFile(join(root, directory, name), content)
    }
  }
  return {
    build: async (files: Record<string, string> = {}, config: Record<string, string> = {}, env = {}) => {
      await put('app', { 'package.json': '{}', ...files })
      await put('env', config)
      const options = {
        cwd: root,
        env: { PATH: process.env['PATH'], HOSTNAME: String(Math.random()), ...config, ...env },
      }
      const { code, output } = await run('bash', ['--norc', '-c', build, 'build', root], options)
      expect({ code, output }).toMatchObject({ code: 0 })
      return output.trim()
    },
    read: (path: string) => readFile(join(root, 'app/node_modules/a', path), 'utf8'),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}

const makes = 'echo ran; echo made >made; mkdir -p deep/er; echo more >deep/er/file; echo changed >two'

describe('what install scripts made', () => {
  it('is used again while nothing that they saw has changed', async () => {
    await using one = await app(`${makes}; cat ../../schema >schema; ls ../../src >/dev/null`)
    const files = { schema: 'first', 'src/server.js': 'one line', 'src/other.js': '' }
    expect(await one.build(files)).toBe('ran')
    const again = await one.build({ ...files, 'src/server.js': 'another line' }, {}, { SOURCE_VERSION: 'next' })
    expect(again).toBe('kept')
    expect(await Promise.all(['made', 'deep/er/file', 'two', 'lib/one', 'schema'].map(one.read))).toEqual([
      'made\n',
      'more\n',
      'changed\n',
      'one\n',
      'first',
    ])
  })

  it('is used again where they made nothing', async () => {
    await using one = await app('echo ran')
    expect(await one.build()).toBe('ran')
    expect(await one.build()).toBe('kept')
  })

  const first = { schema: 'first' }
  it.each([
    ['a file of the app that one has read', { schema: 'second' }, {}],
    ['the names of the app’s files', { ...first, another: '' }, {}],
    ['a config var', first, { KEY: 'value' }],
    ['a config var that has the name of what they do not see', first, { HOSTNAME: 'mine' }],
  ])('is made anew with a change of %s', async (_, files, config) => {
    await using one = await app('echo ran; cat ../../schema >made')
    expect(await one.build(first)).toBe('ran')
    expect(await one.build(files, config)).toBe('ran')
    expect(await one.read('made')).toBe(files.schema)
    expect(await one.build(files, config)).toBe('kept')
  })

  it.each([
    ['write a file of the app', 'echo text >../../hook'],
    ['change one', 'echo text >>../../package.json'],
    ['make it executable', 'chmod a+x ../../package.json'],
    ['write to the home directory', 'mkdir -p ../../.cache/browser'],
    ['remove a file that was installed', 'rm two'],
    ['rename a directory that was installed', 'mv lib elsewhere'],
  ])('is made anew each time by scripts that %s', async (_, script) => {
    await using one = await app(`echo ran; ${script}`)
    expect(await one.build()).toBe('ran')
    expect(await one.build()).toBe('ran')
  })

  it.each([
    ['could not be seen from the start', 'exit 1'],
    ['was not seen to the end', 'echo ready; exit 1'],
  ])('is made anew each time where what was opened %s', async (_, program) => {
    await using one = await app('echo ran')
    await using programs = await mkdtempDisposable(join(tmpdir(), 'paas-scripts-'))
    const others = 'case $1 in *opened.pl) ;; *) exec /usr/bin/perl "$@" ;; esac'
    await writeFile(join(programs.path, 'perl'), `#!/bin/sh\n${others}\n${program}\n`, { mode: 0o755 })
    const PATH = `${programs.path}:${process.env['PATH']}`
    expect(await one.build({}, {}, { PATH })).toBe('ran')
    expect(await one.build({}, {}, { PATH })).toBe('ran')
  })
})

it('scripts see nothing that is another one in each build', async () => {
  await using one = await app('env | grep -E "^(HOSTNAME|REQUEST_ID|SOURCE_VERSION|PAAS_.*)=" || echo nothing')
  expect(await one.build({}, {}, { REQUEST_ID: 'x', SOURCE_VERSION: 'y', PAAS_REASON_FILE: '/tmp/z' })).toBe('nothing')
})
