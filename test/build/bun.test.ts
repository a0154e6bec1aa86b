import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packsDirectory } from '../../src/build/packs.ts'
import { Builder, runIn, type AppBuilder } from './builder.ts'

const builder = new Builder()
/** One for all tests: Bun is downloaded once. */
let app: AppBuilder
beforeAll(async () => void (app = await builder.app({ x: '' })))
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await builder[Symbol.asyncDispose]()
})

const manifest = (fields: object) => JSON.stringify({ name: 'an-app', ...fields })
const dependencies = { ms: '2.1.3' }
const devDependencies = { 'is-number': '7.0.0' }
const integrity = {
  ms: 'sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==',
  'is-number': 'sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng==',
}
const lock = JSON.stringify(
  {
    lockfileVersion: 1,
    workspaces: { '': { name: 'an-app', dependencies, devDependencies } },
    packages: {
      'is-number': ['is-number@7.0.0', '', {}, integrity['is-number']],
      ms: ['ms@2.1.3', '', {}, integrity.ms],
    },
  },
  null,
  1,
)
const hello = `import ms from 'ms'
export default { fetch: () => new Response('Hello from Bun ' + ms(1000) + ' ' + process.env.BUN_JSC_forceRAMSize) }
`

describe('an app of Bun', () => {
  it('is run by Bun, from its usual file, and knows the memory of its dyno', async () => {
    const fields = {
      dependencies,
      devDependencies: { ...devDependencies, '@types/bun': 'latest' },
      scripts: { build: 'bun x.ts' },
    }
    await app.replace({ 'package.json': manifest(fields), 'src/index.ts': hello, 'x.ts': 'require("is-number")' })
    const result = await app.build()
    expect(result).toMatchObject({ buildpack: 'Bun', processTypes: { web: 'bun run src/index.ts' } })
    expect((await runIn(result, 'ls node_modules')).output).toBe('ms\n')
    await using running = await app.serve(result)
    expect((await running.get('/')).body).toBe('Hello from Bun 1s 536870912')
  })

  it('gets its dependencies from the cache, beside Bun, until the lock file changes', async () => {
    const fields = { dependencies, devDependencies, engines: { bun: '1.3.x' }, scripts: { start: 'bun index.ts' } }
    await app.replace({ 'package.json': manifest(fields), 'index.ts': hello, 'bun.lock': lock })
    const first = await app.build()
    expect(first.processTypes).toEqual({ web: 'bun run start' })
    expect(app.output).toMatch(/Using Bun 1\.3\.\d+/)
    await app.commit({ 'README.md': 'Greets.\n' })
    const second = await app.build()
    expect(app.output).toContain('bun.lock has not changed: restoring 1 packages from the cache')
    expect(app.output).not.toContain('Downloading')
    expect((await runIn(second, 'bun -e \'console.log(require("ms")(1000))\'; bun --version')).output).toMatch(
      /^1s\n1\.3\./,
    )
    expect(second.size - first.size).toBeLessThan(100)
  })

  it('may be a workspace, and is without its development dependencies afterwards', async () => {
    await app.replace({
      'package.json': manifest({
        workspaces: ['packages/*'],
        scripts: { start: 'bun packages/api/index.ts', build: 'true' },
      }),
      'packages/api/package.json': manifest({ name: 'api', dependencies, devDependencies }),
      'packages/api/index.ts': hello,
      'bunfig.toml': '',
    })
    const result = await app.build()
    await using running = await app.serve(result)
    expect((await running.get('/')).body).toContain('Hello from Bun 1s')
    const find = 'find -L . -path "*/node_modules/is-number/package.json"'
    expect((await runIn(result, find)).output).toBe('')
  })

  it('needs no package.json', async () => {
    await app.replace({
      'server.ts': 'export default { fetch: () => new Response("plain") }',
      '.bun-version': '1.3.0\n',
    })
    const result = await app.build()
    expect(app.output).toContain('Using Bun 1.3.0')
    await using running = await app.serve(result)
    expect((await running.get('/')).body).toBe('plain')
  })

  it.each([
    ['has changed dependencies', { dependencies: { ms: '2.1.2' } }, {}, 'bun install exited with 1'],
    ['asks for a Bun that does not exist', { engines: { bun: '0.0.9' } }, {}, 'no Bun version matches 0.0.9'],
    ['has another package manager', { packageManager: 'npm@11.0.0' }, {}, 'packageManager in package.json is npm'],
  ])('that %s is told what to do', async (_, fields, files, reason) => {
    const all = { dependencies, devDependencies, scripts: { start: 'bun index.ts' }, ...fields }
    await app.replace({ 'package.json': manifest(all), 'bun.lock': lock, 'index.ts': hello, ...files })
    await expect(app.build()).rejects.toThrow(`build failed: ${reason}`)
    expect(app.output).toMatch(/^ !     \S/m)
  })
})

it('a Node.js app with the lock file of Bun is installed by Bun and run by Node.js', async () => {
  const scripts = { postinstall: 'echo own > own', start: 'node server.js' }
  const server =
    'require("http").createServer((q, r) => r.end(process.release.name + require("ms")(1000))).listen(process.env.PORT)'
  await app.replace({
    'package.json': manifest({ dependencies, devDependencies, scripts }),
    'bun.lock': lock,
    'server.js': server,
  })
  const result = await app.build()
  expect(result).toMatchObject({ buildpack: 'Node.js', processTypes: { web: 'npm start' } })
  expect((await runIn(result, 'cat own; ls node_modules; ls .paas')).output).not.toMatch(/is-number|runtime/)
  await using running = await app.serve(result)
  expect((await running.get('/')).body).toBe('node1s')
  await app.commit({ 'README.md': 'Greets.\n' })
  await app.build()
  expect(app.output).toContain('bun.lock has not changed: restoring')
})

describe('Bun runs what says so', () => {
  const detects = (files: Record<string, string>) => {
    const directory = mkdtempSync(join(tmpdir(), 'paas-detect-'))
    try {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
      return spawnSync(join(packsDirectory, 'bun/bin/detect'), [directory], { encoding: 'utf8' }).stdout
    } finally {
      rmSync(directory, { recursive: true })
    }
  }

  it.each<[string, object, Record<string, string>]>([
    ['engines', { engines: { node: '22', bun: '>=1' } }, {}],
    ['.bun-version', { scripts: { start: 'next start' } }, { '.bun-version': '1' }],
    ['the start script', { scripts: { start: 'NODE_ENV=production bun run src/index.ts' } }, {}],
    ['the Procfile', { scripts: { start: 'node x' } }, { Procfile: 'worker: x\nweb: bun x.ts\n' }],
    ['bun init', { module: 'index.ts', devDependencies: { '@types/bun': 'latest' } }, { 'bun.lock': '' }],
    ['a template', { scripts: { dev: 'bun run --hot src/index.ts' } }, {}],
  ])('%s', (_, fields, files) => {
    expect(detects({ 'package.json': JSON.stringify(fields, null, 2), ...files })).toBe('Bun\n')
  })

  it.each<[string, object, Record<string, string>]>([
    ['a lock file of Bun', {}, { 'bun.lock': '' }],
    ['packageManager', { packageManager: 'bun@1.3.0', scripts: { dev: 'bun run dev:all' } }, { 'bun.lock': '' }],
    ['types beside a start script', { scripts: { start: 'node .' }, devDependencies: { '@types/bun': '1' } }, {}],
    ['engines beside a lock file of npm', { engines: { bun: '1' } }, { 'package-lock.json': '{}' }],
    ['a dependency that is called bundle', { scripts: { start: 'bundle x' } }, {}],
  ])('and not %s alone', (_, fields, files) => {
    expect(detects({ 'package.json': JSON.stringify(fields), ...files })).toBe('')
  })
})
