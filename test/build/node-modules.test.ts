import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Builder, docker, runIn } from './builder.ts'

const builder = new Builder()
afterAll(() => builder[Symbol.asyncDispose]())

/** Lock files of one app, as each package manager wrote them: ms, simple-git-hooks and, for development, is-number. */
function lockFile(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, '../fixtures/locks', name), 'utf8')
}

function manifest(fields: object = {}): string {
  return JSON.stringify({
    name: 'an-app',
    version: '1.0.0',
    private: true,
    dependencies: { 'simple-git-hooks': '2.13.1', ms: '2.1.3' },
    devDependencies: { 'is-number': '7.0.0' },
    ...fields,
  })
}

const managers: [string, string, string][] = [
  ['npm', 'package-lock.json', 'package-lock.json'],
  ['Yarn 1', 'yarn.lock', 'yarn-1.lock'],
  ['Yarn 3, which its lock file asks for', 'yarn.lock', 'yarn-3.lock'],
  ['pnpm', 'pnpm-lock.yaml', 'pnpm-lock.yaml'],
]

async function layersOf({ image }: { image: string }): Promise<string[]> {
  const { output } = await docker('image', 'inspect', '--format', '{{json .RootFS.Layers}}', image)
  return JSON.parse(output) as string[]
}

describe('node_modules from the cache', () => {
  // The script of simple-git-hooks, a dependency, reads package.json of the app; the app's own changes a dependency by a file of the app.
  const scripts = {
    'heroku-prebuild': 'mkdir -p .git/hooks',
    postinstall: 'cat patch.js >> node_modules/ms/index.js',
    build: 'tail -1 .git/hooks/pre-commit > hook',
  }
  const version = (name: string) => ({
    'package.json': manifest({
      scripts,
      'simple-git-hooks': { 'pre-commit': `echo hook ${name}` },
      pnpm: { onlyBuiltDependencies: ['simple-git-hooks'] },
    }),
    'patch.js': `module.exports.patches = (module.exports.patches ?? '') + '${name} '\n`,
  })

  it.each(managers)('is as before any script ran, and scripts run at every build, with %s', async (_, file, lock) => {
    await using app = await builder.app({ ...version('one'), Procfile: 'web: x', [file]: await lockFile(lock) })
    const first = await app.build()
    expect(app.output).not.toContain('from the cache')
    await app.commit(version('two'))
    // Then the tree is there for the next build to begin with.
    await app.sandboxes.without(app.id, () => Promise.resolve())
    const result = await app.build()
    expect(app.output).toContain(`${file} has not changed: restoring 3 packages from the cache`)
    const { output } = await runIn(result, `cat hook; echo; node -p 'require("ms").patches'; ls node_modules`)
    expect(output).toBe('echo hook two\ntwo \nms\nsimple-git-hooks\n')
    expect(await layersOf(result)).toEqual([...(await layersOf(first)).slice(0, -1), expect.any(String)])
    // Whether the tree was sent or was there, and however the engine counts.
    expect(Math.abs(result.size - first.size)).toBeLessThan(100)
  })
})

describe('what lies below the slug', () => {
  it('is hidden where a script renames a directory or puts one in the place of another', async () => {
    const scripts = { postinstall: 'cd node_modules && mv ms renamed && mv simple-git-hooks ms' }
    const lock = await lockFile('package-lock.json')
    await using app = await builder.app({ 'package.json': manifest({ scripts }), 'package-lock.json': lock })
    await app.commit({ Procfile: 'web: x' })
    // Else npm's own pruning puts all in its place.
    const config = { NPM_CONFIG_PRODUCTION: 'false' }
    const result = await app.build({ config })
    const names =
      'cd node_modules && ls . && node -p \'["renamed", "ms"].map((at) => require(`./${at}/package.json`).name)\''
    const renamed = "is-number\nms\nrenamed\n[ 'ms', 'simple-git-hooks' ]\n"
    expect((await runIn(result, names)).output).toBe(renamed)

    // Now of a tree that lies in an image below.
    await app.commit({ 'answer.txt': 'two' })
    await app.sandboxes.without(app.id, () => Promise.resolve())
    expect((await runIn(await app.build({ config }), names)).output).toBe(renamed)

    await app.commit({ 'package.json': manifest({ scripts: { postinstall: 'rm -r node_modules' } }) })
    await app.sandboxes.without(app.id, () => Promise.resolve())
    expect((await runIn(await app.build({ config }), 'ls -A node_modules 2>&1')).output).toMatch(/No such file/)

    // The same lock file, and yet not the same files: versions may not be in it.
    const anew = await app.build({ config, noCache: true })
    expect((await layersOf(anew)).at(-2)).not.toBe((await layersOf(result)).at(-2))
  })
})

it('an app that says another one has its dependencies gets nothing of them', async () => {
  const lock = await lockFile('package-lock.json')
  const files = { 'package.json': manifest(), 'package-lock.json': lock, Procfile: 'web: x' }
  await using victim = await builder.app(files)
  await victim.build()
  const { output } = await docker(
    'images',
    '--quiet',
    '--filter',
    `label=paas.app=${victim.id}`,
    '--filter',
    'label=paas.tree',
  )
  const format = '{{index .Config.Labels "paas.tree"}}'
  const id = (await docker('image', 'inspect', '--format', format, output.split('\n')[0] ?? '')).output.trim()
  expect(id).toMatch(/^[0-9a-f]{64}$/)

  // What it says goes where the program says it that runs the packs.
  const say = `for at in /proc/[0-9]*; do grep -qs bin/build $at/cmdline && echo 'tree ${id} 1 node_modules' > $at/fd/3; done; true`
  const scripts = { postinstall: say }
  await using app = await builder.app({ 'package.json': JSON.stringify({ scripts }), Procfile: 'web: x' })
  const message = 'build failed: what it kept of its dependencies could not be read'
  await expect(app.build()).rejects.toMatchObject({ message })
})

it('of a tree in an image below, what a script changes is found as in one that was just installed', async () => {
  const postinstall = [
    'cd node_modules',
    'mkdir -p ms/lib/deep',
    'echo new > ms/lib/deep/file',
    'rm ms/readme.md',
    'chmod 600 simple-git-hooks/package.json',
  ].join(' && ')
  const lock = await lockFile('package-lock.json')
  const files = {
    'package.json': manifest({ scripts: { postinstall } }),
    'package-lock.json': lock,
    'answer.txt': 'one',
    Procfile: 'web: x',
  }
  await using app = await builder.app(files)
  await app.build()
  expect(app.output).toContain('Running the install scripts of simple-git-hooks\n')
  const { slugBytes = 0 } = app.report
  await app.commit({ 'answer.txt': 'two' })
  await app.sandboxes.without(app.id, () => Promise.resolve())
  const result = await app.build()
  expect(app.output).toContain('from the cache')
  expect(app.output).toContain(
    'that the install scripts of simple-git-hooks see has changed: using what they made before',
  )
  expect(app.report.slugBytes).toBe(slugBytes)
  const look = 'cd node_modules && ls ms ms/lib/deep && stat -c %a simple-git-hooks/package.json ms/package.json'
  const seen = 'ms:\nindex.js\nlib\nlicense.md\npackage.json\n\nms/lib/deep:\nfile\n600\n644\n'
  expect((await runIn(result, look)).output).toBe(seen)
})

describe('packages that lie in the app', () => {
  const source = (text: string) => `module.exports = '${text} ' + require('ms')(1000)\n`
  const library = JSON.stringify({
    name: 'library',
    version: '1.0.0',
    main: 'built.js',
    dependencies: { ms: '2.1.3' },
    scripts: { prepare: 'cp source.js built.js' },
  })

  it('are taken as they are pushed, and prepared, with npm', async () => {
    await using app = await builder.app({
      'package.json': manifest({ dependencies: { library: 'file:./library' }, devDependencies: {} }),
      'package-lock.json': JSON.stringify({
        name: 'an-app',
        version: '1.0.0',
        lockfileVersion: 3,
        packages: {
          '': { name: 'an-app', version: '1.0.0', dependencies: { library: 'file:./library' } },
          library: { version: '1.0.0', dependencies: { ms: '2.1.3' }, hasInstallScript: true },
          'node_modules/library': { resolved: 'library', link: true },
          'node_modules/ms': { version: '2.1.3' },
        },
      }),
      'library/package.json': library,
      'library/source.js': source('one'),
      Procfile: 'web: x',
    })
    await app.build()
    await app.commit({ 'library/source.js': source('two') })
    expect((await runIn(await app.build(), `node -p 'require("library")'`)).output).toBe('two 1s\n')
  })

  it('are copied anew with Yarn 1', async () => {
    await using app = await builder.app({
      'package.json': manifest({ dependencies: { library: 'file:./library' }, devDependencies: {} }),
      'yarn.lock':
        '# yarn lockfile v1\n\n\n"library@file:./library":\n  version "1.0.0"\n  dependencies:\n    ms "2.1.3"\n\nms@2.1.3:\n  version "2.1.3"\n',
      'library/package.json': library,
      'library/built.js': source('one'),
      Procfile: 'web: x',
    })
    await app.build()
    await app.commit({ 'library/built.js': source('two') })
    expect((await runIn(await app.build(), `node -p 'require("library")'`)).output).toBe('two 1s\n')
  })
})

describe('development dependencies', () => {
  const installed = async (config: Record<string, string>, file: string, lock: string) => {
    await using app = await builder.app({
      'package.json': manifest(),
      Procfile: 'web: x',
      [file]: await lockFile(lock),
    })
    return (await runIn(await app.build({ config }), 'ls node_modules')).output
  }

  it.each(managers.filter(([name]) => ['Yarn 1', 'pnpm'].includes(name)))(
    'are not there in production, though no script of the app needs a build, with %s',
    async (_, file, lock) => {
      expect(await installed({}, file, lock)).toBe('ms\nsimple-git-hooks\n')
    },
  )

  it('are there when NODE_ENV is development', async () => {
    const output = await installed({ NODE_ENV: 'development' }, 'package-lock.json', 'package-lock.json')
    expect(output).toBe('is-number\nms\nsimple-git-hooks\n')
  })
})

it('an app without dependencies runs its install scripts all the same, each once', async () => {
  const scripts = {
    preinstall: 'echo preinstall >> steps',
    install: 'echo install >> steps',
    postinstall: 'cd server && npm install --no-package-lock && echo postinstall >> ../steps',
    prepare: 'echo prepare >> steps',
  }
  await using app = await builder.app({
    'package.json': manifest({ scripts, dependencies: {}, devDependencies: {} }),
    'server/package.json': JSON.stringify({ dependencies: { ms: '2.1.3' } }),
    Procfile: 'web: x',
  })
  const { output } = await runIn(await app.build(), 'cat steps; ls server/node_modules')
  expect(output).toBe('preinstall\ninstall\npostinstall\nprepare\nms\n')
})
