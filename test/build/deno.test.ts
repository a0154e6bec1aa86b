import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Builder, runIn, type AppBuilder } from './builder.ts'

const builder = new Builder()
/** One for all tests: Deno is downloaded once. */
let app: AppBuilder
beforeAll(async () => void (app = await builder.app({ x: '' })))
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await builder[Symbol.asyncDispose]()
})

const integrity = 'sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA=='
const lock = JSON.stringify({
  version: '5',
  specifiers: { 'npm:ms@2.1.3': '2.1.3' },
  npm: { 'ms@2.1.3': { integrity } },
  workspace: { dependencies: ['npm:ms@2.1.3'] },
})
/** As deno.jsonc may be: with comments. */
const settings = `{
  // What it needs: "ms"
  "imports": { "ms": "npm:ms@2.1.3", },
  "tasks": { "start": "deno run -A main.ts", "build": "deno eval 'Deno.writeTextFileSync(\\"built\\", \\"yes\\")'" },
}
`
const hello = `import ms from 'ms'
Deno.serve(() => new Response('Hello from Deno ' + ms(1000) + ' ' + Deno.env.get('DENO_V8_FLAGS')))
`

describe('a Deno app', () => {
  it('is built and run by its tasks, on the port of its dyno and in its memory', async () => {
    await app.replace({ 'deno.jsonc': settings, 'deno.lock': lock, 'main.ts': hello })
    const result = await app.build()
    expect(result).toMatchObject({ buildpack: 'Deno', processTypes: { web: 'deno task start' } })
    expect((await runIn(result, 'cat built')).output).toBe('yes')
    await using running = await app.serve(result)
    expect((await running.get('/')).body).toBe('Hello from Deno 1s --max-old-space-size=384')
  })

  it('gets Deno and its dependencies from the cache until the lock file changes', async () => {
    await app.replace({ 'deno.jsonc': settings, 'deno.lock': lock, 'main.ts': hello })
    const first = await app.build()
    await app.commit({ 'main.ts': hello.replace('Hello', 'Again') })
    await app.sandboxes.without(app.id, () => Promise.resolve())
    const result = await app.build()
    expect(app.output).toContain('deno.lock has not changed: restoring')
    // Deno asks the registry about packages beside its work, and may end before it has kept the answer.
    expect(app.output).not.toMatch(/Downloading|\.tgz/)
    expect(Math.abs(result.size - first.size)).toBeLessThan(1000)
    await using running = await app.serve(result)
    expect((await running.get('/')).body).toContain('Again from Deno 1s')
  })

  it('may be one file, which deno serve serves, with the Deno that .tool-versions names', async () => {
    const main = `import ms from 'npm:ms@2.1.3'\nexport default { fetch: () => new Response(ms(2000) + Deno.version.deno) }\n`
    await app.replace({ 'main.ts': main, '.tool-versions': 'deno 2.4\n' })
    const result = await app.build()
    expect(result.processTypes).toEqual({ web: 'deno serve -A --host 0.0.0.0 --port $PORT main.ts' })
    await using running = await app.serve(result)
    expect((await running.get('/')).body).toMatch(/^2s2\.4\.\d+$/)
  })

  it('may have a package.json, whose development dependencies are gone afterwards', async () => {
    const scripts = { start: 'deno run -A main.ts' }
    const dependencies = { ms: '2.1.3' }
    const devDependencies = { 'is-number': '7.0.0' }
    await app.replace({
      'deno.json': '{}',
      'package.json': JSON.stringify({ scripts, dependencies, devDependencies }),
      'main.ts': hello,
    })
    const result = await app.build()
    expect(app.output).toContain(' !     No deno.lock: every build may get other versions.')
    expect((await runIn(result, 'ls node_modules')).output).toBe('ms\n')
    await using running = await app.serve(result)
    expect((await running.get('/')).body).toContain('Hello from Deno 1s')
  })
})

describe('a Deno app that cannot be built', () => {
  const files = { 'deno.jsonc': settings, 'deno.lock': lock, 'main.ts': hello }
  it.each([
    ['its lock file is old', { 'deno.jsonc': settings.replace('2.1.3', '2.1.2') }, 'deno.lock does not match the code'],
    ['a file is missing', { 'main.ts': 'import "./Util.ts"\n' }, 'a file that is imported is not in the repository'],
    ['a package is not named', { 'main.ts': 'import "chalk"\n' }, 'a package that is imported is not in deno.json'],
    [
      'a package does not exist',
      { 'main.ts': 'import "npm:@paas-test/absent@1"\n', 'deno.jsonc': '{ "lock": false }' },
      'a package that is imported does not exist',
    ],
    [
      'a host is away',
      { 'main.ts': 'import "https://deno.invalid/mod.ts"\n' },
      'a server that modules come from is not reached',
    ],
    ['its settings are no JSON', { 'deno.jsonc': '{ x }' }, 'deno.jsonc is not JSON'],
    ['its version is none', { '.dvmrc': 'canary\n' }, '.dvmrc asks for Deno canary, which is no version'],
    ['no version matches', { '.dvmrc': 'v2.99.0\n' }, 'no Deno version matches 2.99.0'],
  ])('because %s is told what to do', async (_, changed, reason) => {
    await app.replace({ ...files, ...changed })
    await expect(app.build()).rejects.toThrow(`build failed: ${reason}`)
    expect(app.output).toMatch(/^ !     \S/m)
  })

  it('because JSR is away is told so', async () => {
    await app.replace({ 'main.ts': 'import "jsr:@std/assert@1"\n' })
    const build = app.build({ config: { JSR_URL: 'https://jsr.invalid' } })
    await expect(build).rejects.toThrow('build failed: JSR is not reached')
  })
})
