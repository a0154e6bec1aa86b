import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packsDirectory } from '../../src/build/packs.ts'
import { run } from '../helpers/repository.ts'

const lib = join(packsDirectory, 'lib/javascript')
const npm = join(import.meta.dirname, '../../node_modules/npm')

let root = ''
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), 'paas-node-'))))
afterEach(() => rm(root, { recursive: true, force: true }))

async function write(files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
}

/** What the pack finds out about an app with these files. */
async function facts(manifest: object, files: Record<string, string> = {}): Promise<Record<string, string>> {
  await write({ 'package.json': JSON.stringify(manifest), ...files })
  const { output } = await run(process.execPath, [join(lib, 'inspect.mjs'), root, npm, 'npm'])
  return Object.fromEntries([...output.matchAll(/^(\w+)='([^']*)'$/gm)].map(([, key, value]) => [key, value]))
}

const packageLock = (entry: object) =>
  JSON.stringify(
    { lockfileVersion: 3, packages: { '': {}, 'node_modules/ms': { version: '2.1.3' }, ...entry } },
    null,
    2,
  )

describe('node_modules is what a lock file alone decides', () => {
  it.each<[string, Record<string, string>]>([
    ['with npm', { 'package-lock.json': packageLock({}) }],
    [
      'with Yarn 1',
      { 'yarn.lock': '# yarn lockfile v1\n\nms@~2.1.3:\n  version "2.1.3"\n  dependencies:\n    file "1"\n' },
    ],
    [
      'with Yarn 4',
      {
        'yarn.lock':
          '__metadata:\n  version: 8\n\n"app@workspace:.":\n  dependencies:\n    file: "npm:^1"\n    t: "patch:t@npm%3A^5#optional!builtin<compat/t>"\n',
      },
    ],
    ['with Bun', { 'bun.lock': '"workspaces": { "": {} }, "packages": { "ms": ["ms@2.1.3", "", {}, "sha512-A"] }' }],
    [
      'with pnpm and settings',
      {
        'pnpm-lock.yaml': "lockfileVersion: '9.0'\npackages:\n  file@1.0.0: {}\n",
        'pnpm-workspace.yaml': 'allowBuilds: {}\n',
      },
    ],
  ])('%s', async (_, files) => {
    expect(await facts({ dependencies: { ms: '~2.1.3' } }, files)).toMatchObject({ lock_decides: 'yes' })
  })
})

describe('node_modules is more than a lock file decides', () => {
  it.each<[string, object, Record<string, string>]>([
    ['without one', {}, {}],
    ['with a directory of the app', { dependencies: { x: 'file:./x' } }, { 'package-lock.json': packageLock({}) }],
    [
      'with one that a lock file links',
      {},
      { 'package-lock.json': packageLock({ 'node_modules/x': { resolved: 'x', link: true } }) },
    ],
    ['with one that Yarn 1 copies', {}, { 'yarn.lock': '"x@file:./x":\n  version "1.0.0"\n' }],
    ['with one that Yarn 4 links', {}, { 'yarn.lock': '"x@link:./x::locator=app%40workspace%3A.":\n' }],
    ['with patches of Yarn 4', {}, { 'yarn.lock': '"ms@patch:ms@npm%3A2.1.3#./.yarn/patches/ms.patch":\n' }],
    [
      'with one that pnpm links',
      {},
      { 'pnpm-lock.yaml': '      x:\n        specifier: link:./x\n        version: link:x\n' },
    ],
    ['with one that Bun links', {}, { 'bun.lock': '"packages": { "x": ["x@file:x", {}] }' }],
    ['with packages from git, with Bun', {}, { 'bun.lock': '"x": ["x@github:a/b#123", {}, "a-b-123"]' }],
    ['with the binary lock file of Bun', {}, { 'bun.lockb': 'x' }],
    ['with patches of pnpm', {}, { 'pnpm-lock.yaml': 'patchedDependencies:\n  ms@2.1.3: {}\n' }],
    [
      'with packages from git',
      {},
      { 'package-lock.json': packageLock({ 'node_modules/x': { resolved: 'git+ssh://git@example.com/x.git#1' } }) },
    ],
    ['with hooks of pnpm', {}, { 'pnpm-lock.yaml': 'packages:\n', '.pnpmfile.cjs': '' }],
    ['with plugins of Yarn', {}, { 'yarn.lock': '"ms@npm:2.1.3":\n', '.yarnrc.yml': 'plugins:\n  - a.cjs\n' }],
    ['with an addon of the app', {}, { 'package-lock.json': packageLock({}), 'binding.gyp': '{}' }],
  ])('%s', async (_, manifest, files) => {
    expect(await facts(manifest, files)).toMatchObject({ lock_decides: '' })
  })
})

describe('node_modules of a workspace', () => {
  const root = { workspaces: ['apps/*', 'packages/*'] }
  const members = { 'apps/web/package.json': '{ "name": "web" }', 'packages/lib/package.json': '{ "name": "lib" }' }
  const pnpm = { 'pnpm-workspace.yaml': "packages: ['apps/*', packages/*]\n" }
  const locks = [
    ['npm', 'package-lock.json', 'package-lock.json'],
    ['Yarn 1', 'yarn.lock', 'yarn-1.lock'],
    ['Yarn 4', 'yarn.lock', 'yarn-4.lock'],
    ['pnpm', 'pnpm-lock.yaml', 'pnpm-lock.yaml'],
    ['Bun', 'bun.lock', 'bun.lock'],
  ] as const

  function lockFile(name: string): Promise<string> {
    return readFile(join(import.meta.dirname, '../fixtures/locks/workspace', name), 'utf8')
  }

  it.each(locks)('is what the lock file of %s decides, with the manifest of each package', async (_, file, lock) => {
    const files = { ...members, ...pnpm, [file]: await lockFile(lock) }
    const { lock_decides, dependencies_digest } = await facts(root, files)
    expect(lock_decides).toBe('yes')
    expect(await facts(root, { 'packages/lib/package.json': '{ "name": "lib", "type": "module" }' })).toMatchObject({
      lock_decides,
      dependencies_digest: expect.not.stringMatching(dependencies_digest ?? 'none') as string,
    })
  })

  it.each<[string, Record<string, string>]>([
    ['a package has an install script', { 'apps/web/package.json': '{ "scripts": { "prepare": "x" } }' }],
    ['a package has a program', { 'packages/lib/package.json': '{ "bin": "lib.js" }' }],
    ['a package has an addon', { 'packages/lib/binding.gyp': '{}' }],
    ['a package has settings of its own', { 'packages/lib/.npmrc': 'omit=optional' }],
    [
      'a package has another directory of the app',
      { 'apps/web/package.json': '{ "dependencies": { "x": "file:x" } }' },
    ],
    [
      'what is linked is no package of it',
      { 'package-lock.json': packageLock({ 'node_modules/x': { resolved: 'x', link: true } }) },
    ],
  ])('is more where %s', async (_, files) => {
    const all = { ...members, 'package-lock.json': await lockFile('package-lock.json'), ...files }
    expect(await facts(root, all)).toMatchObject({ lock_decides: '' })
  })

  it.each(locks.filter(([name]) => name !== 'Yarn 1'))(
    'is more where the lock file of %s has a package that is not found',
    async (_, file, lock) => {
      const files = { 'packages/lib/package.json': '{}', 'pnpm-workspace.yaml': 'packages: ["packages/*"]' }
      expect(await facts(root, { ...files, [file]: await lockFile(lock) })).toMatchObject({ lock_decides: '' })
    },
  )

  it('names the package.json that is none', async () => {
    const files = { ...members, 'apps/web/package.json': '' }
    expect((await facts(root, files))['refusal']).toMatch(/^apps\/web\/package\.json is not JSON: /)
  })
})

describe('the key of node_modules', () => {
  const dependencies = { ms: '2.1.3' }
  const base = { manifest: { dependencies }, files: { 'package-lock.json': packageLock({}) }, set: '' }

  /** @param set assignments of the shell: config vars, and what the pack found before */
  async function keyOf({ manifest, files, set }: typeof base): Promise<string> {
    const { dependencies_digest, manager, lock_file } = await facts(manifest, files)
    const found = `dependencies_digest=${dependencies_digest} manager=${manager} lock_file=${lock_file} node_version=24 manager_version=11`
    const given = `cache_dir=. NODE_ENV=production needs_dev=; ${found}; ${set}`
    const { output } = await run('bash', ['-euc', `${given}\nsource ${lib}/dependencies.sh; cd ${root}; tree_key`])
    expect(output).toMatch(/^[0-9a-f]{64}\n$/)
    return output
  }

  const lock = packageLock({ 'node_modules/b': { version: '1.0.0' } })
  it.each<[string, Partial<Omit<typeof base, 'files'>> & { files?: Record<string, string> }]>([
    ['the lock file', { files: { 'package-lock.json': lock } }],
    ['.npmrc', { files: { '.npmrc': 'omit=optional\n' } }],
    ['dependencies in package.json', { manifest: { dependencies: { ms: '^2.1.3' } } }],
    ['a setting of npm', { set: 'export npm_config_omit=optional' }],
    ['the version of Node.js', { set: 'node_version=22' }],
    ['the version of npm', { set: 'manager_version=10' }],
    ['that development dependencies are wanted', { set: 'needs_dev=yes' }],
  ])('changes with %s', async (_, { files, ...change }) => {
    const before = await keyOf(base)
    expect(await keyOf({ ...base, ...change, files: { ...base.files, ...files } })).not.toBe(before)
  })

  it('changes with nothing else', async () => {
    const before = await keyOf(base)
    const manifest = { dependencies, version: '2.0.0', scripts: { postinstall: 'x' } }
    const others = ['server.js', 'notes.txt', 'patches/ms+2.1.3.patch', 'sub/package.json', 'sub/.npmrc', '.yarnrc.yml']
    const files = { ...base.files, ...Object.fromEntries(others.map((path) => [path, 'x'])) }
    expect(await keyOf({ manifest, files, set: 'export OTHER=x' })).toBe(before)
  })

  it('changes with the settings of the package manager that the lock file is of', async () => {
    const yarn = { ...base, files: { 'yarn.lock': '__metadata:\n  version: 6\n' } as never }
    const before = await keyOf(yarn)
    expect(await keyOf({ ...yarn, files: { '.yarnrc.yml': 'nodeLinker: node-modules\n' } as never })).not.toBe(before)
  })
})

it.each([
  ['# yarn lockfile v1\n', '1'],
  ['__metadata:\n  version: 4\n', '2'],
  ['__metadata:\n  version: 5\n', '~3.1'],
  ['__metadata:\r\n  version: 6\r\n', '3'],
  ['__metadata:\n  version: 8\n  cacheKey: 10c0\n', '>=4.0.0 <4.14.0'],
  ['__metadata:\n  version: 9\n', '~4.14'],
  ['__metadata:\n  version: 10\n', '4'],
])('a yarn.lock that begins %j asks for Yarn %s', async (lock, range) => {
  expect(await facts({}, { 'yarn.lock': lock })).toMatchObject({ manager_version: range })
})

it.each([
  ['lockfileVersion: 5.4\n', '7'],
  ["lockfileVersion: '6.0'\n", '8'],
  ["lockfileVersion: '9.0'\n", '10'],
])('a pnpm-lock.yaml that begins %j asks for pnpm %s', async (lock, range) => {
  expect(await facts({}, { 'pnpm-lock.yaml': lock })).toMatchObject({ manager_version: range })
})

it('engines say which Yarn or pnpm, unless the lock file is not of its kind', async () => {
  const yarn = { 'yarn.lock': '__metadata:\n  version: 6\n' }
  expect(await facts({ engines: { yarn: '3.2.x' } }, yarn)).toMatchObject({ manager_version: '3.2.x' })
  expect(await facts({ engines: { yarn: '>=1.22' } }, yarn)).toMatchObject({ manager_version: '3' })
  expect(await facts({ packageManager: 'yarn@3.6.0' }, yarn)).toMatchObject({ manager_version: '3.6.0' })
})

it('own install scripts are named once each, those that others bring with them not at all', async () => {
  const all = ['prepare', 'preprepare', 'install', 'preinstall', 'postinstall', 'prepublish']
  const scripts = Object.fromEntries(all.map((name) => [name, 'true']))
  expect(await facts({ scripts })).toMatchObject({ install_scripts: 'install prepublish prepare' })
  expect(await facts({ scripts: { preinstall: 'true', postinstall: 'true' } })).toMatchObject({
    install_scripts: 'preinstall postinstall',
  })
})

describe('the version of Node.js', () => {
  it.each<[string, object, Record<string, string>, string, string]>([
    [
      'engines before all else',
      { engines: { node: '22.x' } },
      { '.nvmrc': '20\n' },
      '22.x',
      'engines.node in package.json',
    ],
    ['volta', { volta: { node: '22.1.0' } }, {}, '22.1.0', 'volta.node in package.json'],
    [
      'devEngines',
      { devEngines: { runtime: [{ name: 'bun' }, { name: 'node', version: '>=22' }] } },
      {},
      '>=22',
      'devEngines.runtime in package.json',
    ],
    ['.nvmrc', {}, { '.nvmrc': '# ours\nv22.1\n' }, '22.1', '.nvmrc'],
    ['.nvmrc by the name of a release', {}, { '.nvmrc': 'lts/Jod\n' }, '22.x', '.nvmrc'],
    ['.nvmrc for any', {}, { '.nvmrc': 'lts/*\n' }, '', '.nvmrc'],
    ['.node-version', {}, { '.node-version': '22.1.0' }, '22.1.0', '.node-version'],
    [
      'mise.toml',
      {},
      { 'mise.toml': '[env]\nnode = "1"\n[tools]\npython = "3"\nnode = { version = "22" }\n' },
      '22',
      'mise.toml',
    ],
    ['.tool-versions', {}, { '.tool-versions': 'python 3.13\nnodejs 22.1.0 20\n' }, '22.1.0', '.tool-versions'],
  ])('is what %s asks for', async (_, manifest, files, node_range, node_asked_in) => {
    expect(await facts(manifest, files)).toMatchObject({ node_range, node_asked_in })
  })

  it('is refused with its place when it is none', async () => {
    expect(await facts({}, { '.nvmrc': 'lts/nothing' })).toEqual({
      refusal: '.nvmrc is "lts/nothing", which is not a version range such as "24.x"',
    })
  })
})

describe('the package manager', () => {
  it.each<[string, object, Record<string, string>, string, string]>([
    ['bun, by its lock file', {}, { 'bun.lock': '' }, 'bun', ''],
    ['bun of .bun-version', {}, { 'bun.lockb': '', '.bun-version': '1.2.3\n' }, 'bun', '1.2.3'],
    ['bun of packageManager', { packageManager: 'bun@1.3.0' }, {}, 'bun', '1.3.0'],
    ['that of devEngines', { devEngines: { packageManager: { name: 'pnpm', version: '^10' } } }, {}, 'pnpm', '^10'],
    [
      'that of the lock file',
      { devEngines: { packageManager: { name: 'npm', version: '11' } } },
      { 'pnpm-lock.yaml': '' },
      'pnpm',
      '10',
    ],
  ])('is %s', async (_, fields, files, manager, manager_version) => {
    expect(await facts(fields, files)).toMatchObject({ manager, manager_version })
  })
})

it.each([
  [{ workspaces: ['packages/*', '!packages/old'] }, {}],
  [{ workspaces: { packages: ['./packages/{a,b}/'] } }, {}],
  [
    {},
    {
      'pnpm-workspace.yaml':
        'minimumReleaseAge: 1\npackages:\n  # ours\n  - \'packages/*\' # all\n  - "!packages/old"\ncatalog:\n  - x\n',
    },
  ],
])('the packages of a workspace are found by its patterns: %j', async (manifest, files) => {
  const packages = ['a', 'b', 'old'].map((name) => [`packages/${name}/package.json`, '{}'] as const)
  await write({ ...Object.fromEntries(packages), 'packages/none/index.js': '', ...files })
  const { workspaceDirectories } = (await import(join(lib, 'workspaces.mjs'))) as {
    workspaceDirectories: (root: string, manifest: object) => string[]
  }
  expect(new Set(workspaceDirectories(root, manifest))).toEqual(new Set(['packages/a', 'packages/b']))
})

it('two version ranges never share a file of the cache', async () => {
  const names = ['^18', '<18', '>=18', '18'].map((range) => `name_of '${range}'`).join(';')
  const { output } = await run('bash', ['-c', `source ${packsDirectory}/lib/npm.sh; ${names}`])
  expect(new Set(output.trim().split('\n')).size).toBe(4)
})

it('pruning leaves what the app and its dependencies need, wherever it lies', async () => {
  const package_ = (name: string, fields: object = {}) => JSON.stringify({ name, version: '1.0.0', ...fields })
  await write({
    'package.json': package_('app', { dependencies: { a: '1' }, devDependencies: { b: '1', tool: '1' } }),
    'node_modules/a/package.json': package_('a', {
      dependencies: { b: '2', '@s/c': '1' },
      peerDependencies: { peer: '1' },
    }),
    'node_modules/a/node_modules/b/package.json': package_('b'),
    'node_modules/@s/c/package.json': package_('c'),
    'node_modules/@s/d/package.json': package_('d'),
    'node_modules/b/package.json': package_('b'),
    'node_modules/peer/package.json': package_('peer'),
    'node_modules/tool/package.json': package_('tool'),
    'node_modules/tool/node_modules/b/package.json': package_('b'),
  })
  await run(process.execPath, [join(lib, 'prune.mjs'), root])
  const left = await readdir(join(root, 'node_modules'), { recursive: true })
  const manifests = left.filter((path) => path.endsWith('package.json')).toSorted()
  expect(manifests).toEqual([
    '@s/c/package.json',
    'a/node_modules/b/package.json',
    'a/package.json',
    'peer/package.json',
  ])
})
