import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Builder, runIn } from './builder.ts'

const builder = new Builder()
afterAll(() => builder[Symbol.asyncDispose]())

const server = 'require("http").createServer((q, r) => r.end("hello")).listen(process.env.PORT)'
const express = join(import.meta.dirname, '../fixtures/apps/node-express')

function manifest(fields: object): string {
  return JSON.stringify({ name: 'an-app', version: '1.0.0', private: true, ...fields })
}

const heap = `'v8.getHeapStatistics().heap_size_limit / 2 ** 20'`

describe('a Node.js app', () => {
  it('is built with its lock file, and served by its start script', async () => {
    await using app = await builder.app('node-express')
    const result = await app.build()
    expect(result).toMatchObject({ buildpack: 'Node.js', processTypes: { web: 'npm start' } })
    await using running = await app.serve(result)
    expect(await running.get('/')).toMatchObject({ status: 200, body: 'Hello from Express\n' })
    for (const [memory, processes] of [
      ['256', 1],
      ['512', 1],
      ['1024', 2],
      ['2048', 4],
    ] as const) {
      const { output } = await runIn(result, `echo $WEB_CONCURRENCY; node -p ${heap}`, `--memory=${memory}m`)
      const [count, mebibytes] = output.trim().split('\n').map(Number)
      expect(count, memory).toBe(processes)
      // Half of it is old space; young space is up to 96 MiB (V8, Heap::YoungGenerationSizeFromSemiSpaceSize).
      expect(mebibytes, memory).toBeLessThan(Math.min(Number(memory) * 0.6, Number(memory) / 2 + 100))
    }
    const own = await runIn(
      result,
      'echo $NODE_OPTIONS',
      '--memory=256m',
      '--env=NODE_OPTIONS=--max-old-space-size=200',
    )
    expect(own.output).toBe('--max-old-space-size=200\n')
  })

  it('gets its dependencies from the cache until the lock file changes, and never with NODE_MODULES_CACHE=false', async () => {
    await using app = await builder.app('node-express')
    await app.build()
    expect(app.output).toMatch(/added \d+ packages/)
    await app.commit({ 'other.js': '// code' })
    const again = await app.build()
    expect(app.output).toMatch(/package-lock\.json has not changed: restoring \d+ packages from the cache/)
    expect(app.output).not.toMatch(/added \d+ packages/)
    await using running = await app.serve(again)
    expect((await running.get('/')).body).toBe('Hello from Express\n')

    const lock = await readFile(join(express, 'package-lock.json'), 'utf8')
    await app.commit({ 'package-lock.json': `${lock}\n` })
    await app.build()
    expect(app.output).toMatch(/added \d+ packages/)
    await app.build({ config: { NODE_MODULES_CACHE: 'false' } })
    expect(app.output).toMatch(/NODE_MODULES_CACHE=false: .*\n[^]*added \d+ packages/)
  })

  it('may have a lock file that lacks optional packages which no registry has', async () => {
    const fields = { dependencies: { ms: '2.1.3' }, optionalDependencies: { '@paas-test/absent': '1.0.0' } }
    const root = { name: 'an-app', version: '1.0.0', ...fields }
    const ms = { version: '2.1.3' }
    await using app = await builder.app({
      'package.json': manifest({ ...fields, scripts: { start: 'node server.js' } }),
      'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages: { '': root, 'node_modules/ms': ms } }),
    })
    const result = await app.build()
    expect(app.output).toContain(' !     package-lock.json lacks optional packages for other machines')
    expect((await runIn(result, 'ls node_modules')).output).toBe('ms\n')
  })

  it('is built by its build script with development dependencies, and runs without them', async () => {
    await using app = await builder.app({
      'package.json': manifest({
        dependencies: { ms: '2.1.3' },
        devDependencies: { 'is-number': '7.0.0' },
        scripts: { build: 'node -p "require(\'is-number\')(1)" > built', start: 'node server.js' },
      }),
      'server.js': server,
    })
    const result = await app.build()
    expect(app.output).toContain(' !     No lock file: every build may get other versions. Commit package-lock.json.')
    expect(app.output).toContain('-----> Running build')
    const { output } = await runIn(result, 'cat built; ls node_modules; echo $NODE_ENV')
    expect(output).toBe('true\nms\nproduction\n')
  })

  it('runs Heroku’s scripts around its build, and heroku-postbuild instead of build', async () => {
    const scripts = {
      'heroku-prebuild': 'echo prebuild $NODE_ENV >> steps',
      build: 'echo build >> steps',
      'heroku-postbuild': 'echo postbuild >> steps',
      'heroku-cleanup': 'echo cleanup >> steps',
    }
    await using app = await builder.app({ 'package.json': manifest({ scripts }), Procfile: 'web: node server.js' })
    const { output } = await runIn(await app.build(), 'cat steps')
    expect(output).toBe('prebuild production\npostbuild\ncleanup\n')
  })

  it('gives its build script the config vars, but not those that would break the build', async () => {
    await using app = await builder.app({
      'package.json': manifest({ scripts: { build: 'echo "$API_URL $PATH" > seen', start: 'true' } }),
    })
    const config = { API_URL: 'https://api.example.com', PATH: '/nowhere', cache_dir: '/nowhere', manager: 'nothing' }
    const { output } = await runIn(await app.build({ config }), 'cat seen')
    expect(output).toContain('https://api.example.com /')
    expect(output).not.toContain('/nowhere')
  })

  it('runs on the Node.js its engines ask for, whatever registry its .npmrc names', async () => {
    await using app = await builder.app({
      '.npmrc': 'registry=http://127.0.0.1:9/\n',
      'package.json': manifest({ engines: { node: '22.x' }, scripts: { start: 'node server.js' } }),
      'server.js': server,
    })
    const result = await app.build()
    expect(app.output).toMatch(/engines\.node in package\.json: 22\.x\n {7}Downloading Node\.js 22\./)
    const { output } = await runIn(result, 'node --version; npm --version')
    expect(output).toMatch(/^v22\.\d+\.\d+\n\d+\.\d+\.\d+\n$/)
    await app.build()
    expect(app.output).not.toContain('Downloading')
  })

  it('may be a package of a workspace, the only one that can be started, on the Node.js of .nvmrc', async () => {
    await using app = await builder.app({
      'package.json': manifest({ workspaces: ['packages/*'] }),
      '.nvmrc': 'v22\n',
      'packages/api/package.json': manifest({
        name: 'api',
        dependencies: { lib: '*' },
        scripts: { build: 'echo built > built', start: 'node server.js' },
      }),
      'packages/api/server.js':
        'const { text } = require("lib"); require("http").createServer((q, r) => r.end(text + process.env.WEB_CONCURRENCY + process.version)).listen(process.env.PORT)',
      'packages/lib/package.json': manifest({ name: 'lib' }),
      'packages/lib/index.js': 'exports.text = require("fs").readFileSync("built", "utf8")',
    })
    const result = await app.build({ config: { WEB_MEMORY: '128' } })
    expect(result.processTypes).toEqual({ web: 'cd packages/api && npm start' })
    await using running = await app.serve(result, { WEB_MEMORY: '128' })
    expect((await running.get('/')).body).toMatch(/^built\n4v22\./)
  })

  it('that builds a site and has no server is served by a web server, pages from index.html', async () => {
    await using app = await builder.app({
      'package.json': manifest({
        scripts: { build: 'mkdir -p dist/assets && cp page dist/index.html && cp page dist/assets/a.js' },
      }),
      page: '<h1>built</h1>',
    })
    await using running = await app.serve(await app.build())
    expect(await running.get('/')).toMatchObject({ status: 200, body: '<h1>built</h1>' })
    expect(await running.get('/a/page/of/the/app')).toMatchObject({ status: 200, body: '<h1>built</h1>' })
    expect((await running.get('/missing.js')).status).toBe(404)
    expect((await running.get('/assets/a.js')).headers['cache-control']).toContain('immutable')
    expect((await running.get('/')).headers['cache-control']).toBe('no-cache')
  })
})

describe('node_modules', () => {
  it('is left out beside a server that has a copy of what it needs, and is there for the next build', async () => {
    await using app = await builder.app('node-express')
    const { dependencies } = JSON.parse(await readFile(join(express, 'package.json'), 'utf8'))
    const build = 'mkdir -p .next/standalone && cp app.js .next/standalone/server.js && ls node_modules/express'
    const files = {
      'package.json': manifest({ dependencies, scripts: { build, start: 'next start' } }),
      'app.js': server,
    }
    await app.commit(files)
    const first = await app.build()
    expect(app.output).toContain('node_modules is left out: .next/standalone/server.js has all that runs')
    expect(first.processTypes).toEqual({ web: 'HOSTNAME=0.0.0.0 node .next/standalone/server.js' })
    await app.commit({ 'app.js': `${server} // changed` })
    const second = await app.build()
    expect(app.output).toMatch(/has not changed: restoring \d+ packages from the cache/)
    await using running = await app.serve(second)
    expect((await running.get('/')).body).toBe('hello')
    expect((await runIn(second, 'ls -a')).output).not.toContain('node_modules')

    await app.commit({ Procfile: 'web: node .next/standalone/server.js\nworker: node app.js\n' })
    const third = await app.build()
    expect(app.output).toContain('node_modules stays for node app.js')
    expect((await runIn(third, 'ls node_modules/express')).output).toContain('package.json')
  })
})

describe('a Node.js app fails to build', () => {
  it('when no version of Node.js can be looked up, and is not told that none matches', async () => {
    await using app = await builder.app({ 'package.json': manifest({ engines: { node: '20.x' } }) })
    const config = { NPM_CONFIG_REGISTRY: 'http://127.0.0.1:9/', NPM_CONFIG_FETCH_RETRIES: '0' }
    await expect(app.build({ config })).rejects.toThrow(
      'build failed: the package registry did not list the versions of Node.js',
    )
    expect(app.output).toContain('ECONNREFUSED')
  })

  it.each([
    ['with a build script that fails', { scripts: { build: 'exit 2' } }, 'npm run build exited with 2'],
    ['with engines that are no range', { engines: { node: 'latest!' } }, 'engines.node in package.json is "latest!"'],
    ['with engines that no version meets', { engines: { node: '0.0.1' } }, 'no Node.js version matches 0.0.1'],
    ['with scripts that are none', { scripts: 'build' }, '"scripts" in package.json is not an object'],
  ])('%s', async (_, fields, reason) => {
    await using app = await builder.app({ 'package.json': manifest(fields) })
    await expect(app.build()).rejects.toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining(`build failed: ${reason}`),
    })
  })

  it('with a package.json that is not JSON', async () => {
    await using app = await builder.app({ 'package.json': '{ name: x }' })
    await expect(app.build()).rejects.toThrow('build failed: package.json is not JSON')
  })

  it.each([
    [
      'that come from a registry that is away',
      { dependencies: { ms: '2.1.3' } },
      { 'package-lock.json': lockOf('http://127.0.0.1:9/ms-2.1.3.tgz'), '.npmrc': 'fetch-retries=0\n' },
      'the package registry is not reached',
    ],
    [
      'that are native and lack a C library',
      { dependencies: { x: 'file:./x' } },
      {
        'x/package.json': manifest({ name: 'x', version: '1.0.0', scripts: { install: 'cc -c x.c' } }),
        'x/x.c': '#include <vips/vips.h>\n',
      },
      'a native package lacks a C library',
    ],
  ])('with dependencies %s', async (_, fields, files: Record<string, string>, reason) => {
    await using app = await builder.app({ 'package.json': manifest(fields), ...files })
    await expect(app.build()).rejects.toMatchObject({ code: 'build_failed', message: `build failed: ${reason}` })
    expect(app.output).toMatch(/^ !     \S/m)
  })

  it('with two lock files', async () => {
    await using app = await builder.app({ 'package.json': manifest({}), 'package-lock.json': '{}', 'yarn.lock': '' })
    await expect(app.build()).rejects.toThrow('build failed: two lock files: package-lock.json and yarn.lock')
    expect(app.output).toContain(' !     They may conflict.')
  })

  it('with a lock file that does not match, and says what to do', async () => {
    await using app = await builder.app('node-express')
    await app.commit({ 'package.json': manifest({ dependencies: { express: '^5.1.0', 'is-number': '7.0.0' } }) })
    await expect(app.build()).rejects.toThrow('build failed: npm ci exited with 1')
    expect(app.output).toContain('Missing: is-number@7.0.0 from lock file')
    expect(app.output).toContain(' !     package-lock.json does not match package.json.\n !     Run npm install')
    expect(app.output).not.toContain('--install-strategy')
  })
})

function lockOf(resolved: string): string {
  const packages = { '': { dependencies: { ms: '2.1.3' } }, 'node_modules/ms': { version: '2.1.3', resolved } }
  return JSON.stringify({ lockfileVersion: 3, packages })
}
