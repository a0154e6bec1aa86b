import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { isDependencyImage } from '../../src/build/dependencies.ts'
import type { BuildResult } from '../../src/build/pipeline.ts'
import { Builder, docker, runIn } from './builder.ts'

const builder = new Builder()
afterAll(() => builder[Symbol.asyncDispose]())

const lockFile = join(import.meta.dirname, '../fixtures/apps/node-express/package-lock.json')

/** The layers of an image, from the lowest to the highest. */
async function layersOf({ image }: BuildResult): Promise<string[]> {
  const { output } = await docker('inspect', '--format', '{{range .RootFS.Layers}}{{println .}}{{end}}', image)
  return output.split('\n').filter(Boolean)
}

async function dependencyImages(app: { id: Parameters<typeof builder.engine.removeApp>[0] }) {
  return (await builder.engine.listImages({ appId: app.id })).filter(isDependencyImage)
}

describe('dependencies that did not change', () => {
  it('are stored once for all releases of an app', async () => {
    await using app = await builder.app('node-express')
    const first = await app.build()
    await app.commit({ 'page.txt': 'x'.repeat(1000) })
    const second = await app.build()
    const [before, after] = [await layersOf(first), await layersOf(second)]
    expect(after.slice(0, -1)).toEqual(before.slice(0, -1))
    expect(after.at(-1)).not.toBe(before.at(-1))
    expect(second.size).toBeGreaterThan(2_000_000)
    expect(await dependencyImages(app)).toHaveLength(1)
    await using running = await app.serve(second)
    expect((await running.get('/')).body).toBe('Hello from Express\n')
  })

  it('are not stored again by a server that was started anew', async () => {
    await using app = await builder.app('node-express')
    const first = await layersOf(await app.build())
    app.restart()
    expect((await layersOf(await app.build())).at(-2)).toBe(first.at(-2))
    expect(await dependencyImages(app)).toHaveLength(1)
  })

  it('are taken again as they are when development dependencies were pruned from them', async () => {
    await using app = await builder.app('node-express')
    const manifest = JSON.parse(await readFile(join(app.repository.path, 'package.json'), 'utf8')) as object
    const lock = JSON.parse(await readFile(lockFile, 'utf8')) as { packages: Record<string, object> }
    Object.assign(lock.packages[''] ?? {}, { devDependencies: { 'is-number': '7.0.0' } })
    lock.packages['node_modules/is-number'] = { version: '7.0.0', dev: true }
    const scripts = { start: 'node server.js', build: `node -p "require('is-number')(1)" > built` }
    await app.commit({
      'package.json': JSON.stringify({ ...manifest, scripts, devDependencies: { 'is-number': '7.0.0' } }),
      'package-lock.json': JSON.stringify(lock),
    })
    const first = await app.build()
    const second = await app.build()
    expect((await runIn(second, 'cat built; ls node_modules | grep -c is-number')).output).toBe('true\n0\n')
    expect((await layersOf(second)).slice(0, -1)).toEqual((await layersOf(first)).slice(0, -1))
  })
})

describe('dependencies that changed', () => {
  it('replace those before, which earlier releases keep', async () => {
    await using app = await builder.app({
      'requirements.txt': 'flask==3.1.2\n',
      'app.py': 'import flask\napp = flask.Flask(__name__)\n',
    })
    const first = await app.build()
    await app.commit({ 'requirements.txt': 'flask==3.1.3\n' })
    const second = await app.build()
    const version = 'python -c "import importlib.metadata as m; print(m.version(\'flask\'))"'
    expect((await runIn(second, version)).output).toBe('3.1.3\n')
    expect((await runIn(first, version)).output).toBe('3.1.2\n')
    expect(await dependencyImages(app)).toHaveLength(1)
  })

  it('because a build script wrote into them are taken as it left them', async () => {
    await using app = await builder.app('node-express')
    const manifest = JSON.parse(await readFile(join(app.repository.path, 'package.json'), 'utf8')) as object
    const scripts = { start: 'node server.js', build: 'date +%N > node_modules/express/generated' }
    await app.commit({ 'package.json': JSON.stringify({ ...manifest, scripts }) })
    const [first, second] = [await app.build(), await app.build()]
    const read = async (result: BuildResult) => (await runIn(result, 'cat node_modules/express/generated')).output
    expect(await read(second)).not.toBe(await read(first))
  })
})

describe('the limit of a slug', () => {
  it('counts dependencies, the first time and every other', async () => {
    await using app = await builder.app('node-express')
    await app.build()
    await app.commit({ large: 'x'.repeat(1_500_000) })
    await expect(app.build({ limits: { slugBytes: 3_000_000 } })).rejects.toMatchObject({ code: 'slug_too_large' })
    await expect(app.build({ limits: { slugBytes: 2_000_000 }, noCache: true })).rejects.toMatchObject({
      code: 'slug_too_large',
    })
    await app.build({ limits: { slugBytes: 8_000_000 } })
  })
})
