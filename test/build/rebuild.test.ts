import { chmod, readFile, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { run, TestRepository } from '../helpers/repository.ts'

const npm = dirname(createRequire(import.meta.url).resolve('npm/package.json'))
const program = resolve(import.meta.dirname, '../../buildpacks/nodejs/lib/rebuild.mjs')

const tell = (event: string) =>
  `(env; pwd) | sort | grep -v ^OUT= > $INIT_CWD/$OUT-${event}; echo ${event} >> $INIT_CWD/$OUT`
const scripts = { preinstall: tell('preinstall'), postinstall: tell('postinstall') }
const locked = (fields: object = {}) => {
  const resolved = 'https://registry.example/a/-/a-1.0.0.tgz'
  const own = { bin: { a: 'a.js' }, engines: { node: '*' }, hasInstallScript: true }
  const one = { version: '1.0.0', resolved, integrity: 'sha512-x', ...own, ...fields }
  return JSON.stringify({ lockfileVersion: 3, packages: { 'node_modules/a': one } })
}

/** An app whose only dependency has install scripts, as it lies there when it was installed without running them. */
async function app(files: Record<string, string> = {}) {
  const repository = await TestRepository.empty()
  const manifest = { name: 'an-app', version: '1.0.0', dependencies: { a: '1.0.0' } }
  const library = { name: 'a', version: '1.0.0', bin: 'a.js', engines: { node: '*' }, scripts }
  const all = {
    'package.json': JSON.stringify(manifest),
    'node_modules/.package-lock.json': locked(),
    'node_modules/a/package.json': JSON.stringify(library),
    'node_modules/a/a.js': '',
    ...files,
  }
  for (const [path, content] of Object.entries(all)) await repository.write(path, content)
  const env = { PATH: process.env['PATH'], HOME: repository.path }
  const call = (OUT: string, ...argv: string[]) =>
    run(process.execPath, argv, { cwd: repository.path, env: { ...env, OUT } })
  const read = (name: string) => readFile(`${repository.path}/${name}`, 'utf8')
  return {
    path: repository.path,
    read,
    ours: (...names: string[]) => call('ours', program, npm, `${repository.path}/compiled`, ...names),
    /** Starts in another environment, and is told the names and this one. */
    oursLater: async (...names: string[]) => {
      const fifo = `${repository.path}/order`
      await run('mkfifo', [fifo])
      const argv = [program, npm, `${repository.path}/compiled`, '--later', fifo]
      const ending = run(process.execPath, argv, { cwd: repository.path, env: { LEFT: 'over' } })
      const variables = Object.entries({ ...env, OUT: 'later' }).map(([key, value]) => `${key}=${value}`)
      await writeFile(fifo, [names.length, ...names, ...variables, ''].join('\0'))
      return ending
    },
    theirs: (...names: string[]) => call('theirs', `${npm}/bin/npm-cli.js`, 'rebuild', ...names),
    [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose](),
  }
}

it('install scripts run in the order and the environment that npm rebuild gives them', async () => {
  await using one = await app({ '.npmrc': 'script-shell=/bin/bash\nloglevel=error\n' })
  expect((await one.theirs('a')).code).toBe(0)
  expect((await one.ours('a')).code).toBe(0)
  expect((await one.oursLater('a')).code).toBe(0)
  for (const event of ['preinstall', 'postinstall']) {
    expect(await one.read(`ours-${event}`)).toBe(await one.read(`theirs-${event}`))
    expect(await one.read(`later-${event}`)).toBe(await one.read(`theirs-${event}`))
  }
  expect(await one.read('ours')).toBe('preinstall\npostinstall\n')
})

it('a package with a binding.gyp and no install script is compiled', async () => {
  await using one = await app({
    'node_modules/a/package.json': JSON.stringify({ name: 'a', version: '1.0.0' }),
    'node_modules/a/binding.gyp': '{}',
    'node_modules/.bin/node-gyp': '#!/bin/sh\necho $* > $INIT_CWD/compiled-with\n',
  })
  await chmod(`${one.path}/node_modules/.bin/node-gyp`, 0o755)
  expect((await one.ours('a')).code).toBe(0)
  expect(await one.read('compiled-with')).toBe('rebuild\n')
})

it('a script that fails is named with what it said', async () => {
  const failing = { name: 'a', version: '1.0.0', scripts: { install: 'echo no compiler; exit 3' } }
  await using one = await app({ 'node_modules/a/package.json': JSON.stringify(failing) })
  const { code, output } = await one.ours('a')
  expect(code).toBe(1)
  expect(output).toMatch(/^install of .*node_modules\/a: command failed\nno compiler$/m)
})

describe('nothing runs, and npm is left to do it,', () => {
  it.each([
    ['where package.json says which scripts may', { 'package.json': '{ "allowScripts": { "a": false } }' }],
    ['where .npmrc says which scripts may', { '.npmrc': 'allow-scripts=b\n' }],
    ['where npm has not written what it installed', { 'node_modules/.package-lock.json': '{ "packages": {} }' }],
    ['where a package has others in it', { 'node_modules/.package-lock.json': locked({ bundleDependencies: ['b'] }) }],
    ['where a package is in another one', { 'node_modules/.package-lock.json': locked({ inBundle: true }) }],
  ])('%s', async (_, files) => {
    await using one = await app(files)
    expect((await one.ours('a')).code).toBe(75)
    await expect(one.read('ours')).rejects.toThrow('ENOENT')
  })
})
