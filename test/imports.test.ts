import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  cyclesOf,
  importsIn,
  loadedBy,
  readImports,
  strayImports,
  straysFromHome,
  unusedRules,
  type Import,
} from './helpers/imports.ts'

const root = resolve(import.meta.dirname, '..')

/** What the code of each room, a directory of `src` or of the repository, may import beside what is open to all. */
const allowed: Record<string, string[]> = {
  model: [],
  store: [],
  engine: ['user-limits.ts'],
  queue: ['redis.ts'],
  output: ['redis.ts'],
  logs: [],
  metrics: [],
  router: ['metrics'],
  build: ['app-lock.ts', 'engine', 'outbound', 'output', 'quotas', 'release', 'source', 'store'],
  dynos: ['app-lock.ts', 'engine', 'logs', 'quotas', 'router/control/control.ts', 'store'],
  release: ['app-lock.ts', 'dynos', 'logs', 'output', 'store'],
  grants: ['store'],
  quotas: ['store'],
  'one-offs': ['dynos', 'engine', 'grants', 'logs', 'store'],
  source: ['queue', 'quotas', 'store'],
  git: ['store', 'queue', 'source', 'grants', 'quotas'],
  containers: ['build', 'data-transfers/storage.ts', 'engine', 'services', 'volumes'],
  // Names, confinement and firewall as the engine's room has them, by which requests are judged.
  gate: ['engine'],
  upgrades: ['build', 'engine', 'release', 'store'],
  services: ['build', 'engine', 'logs', 'release', 'router/control/control.ts', 'store'],
  certificates: ['logs', 'outbound', 'router/control/control.ts', 'store'],
  'own-pages': ['logs', 'outbound', 'store'],
  'data-transfers': ['backups/restic.ts', 'engine', 'logs', 'outbound', 'services', 'store'],

  doctor: [
    'backups/history.ts',
    'engine/engine.ts',
    'outbound/addresses.ts',
    'router/control/client.ts',
    'router/control/protocol.ts',
    'router/listen.ts',
  ],
  volumes: ['dynos', 'engine', 'logs', 'release', 'store'],
  backups: ['engine', 'git/refs.ts', 'services', 'store', 'volumes'],
  worker: [
    'build',
    'certificates',
    'data-transfers',
    'drains',
    'dynos',
    'engine',
    'logs',
    'metrics',
    'one-offs',
    'output',
    'own-pages',
    'queue',
    'release',
    'services',
    'store',
    'upgrades',
    'volumes',
  ],
  api: [
    'source',
    'grants',
    'quotas',
    'release',
    'build',
    'queue',
    'store',
    'certificates/dns.ts',
    'containers/containers.ts',
    'doctor/saved.ts',
    'data-transfers/ask.ts',
    'router/control/control.ts',
    'logs',
    'metrics',
    'outbound',
    'services',
    'upgrades/ask.ts',
    'webhooks/notification.ts',
    'package.json',
  ],
  // It asks the API, which is given to it, and imports none of it.
  dashboard: ['store'],
  outbound: [],
  drains: ['logs', 'outbound', 'store'],
  webhooks: ['outbound', 'store'],
  // The package for developers' machines is compiled there.
  cli: ['dist'],
  supervisor: [
    'backups/history.ts',
    'user-limits.ts',
    'data-directory.ts',
    'server-id.ts',
    'router/control/client.ts',
    'router/control/protocol.ts',
    'router/control/sockets.ts',
    'router/listen.ts',
  ],
  setup: ['build', 'engine/engine.ts'],
  installation: ['data-directory.ts', 'doctor/status-of-api.ts', 'engine/engine.ts', 'router/control/client.ts'],
  main: [
    'api',
    'backups',
    'build',
    'certificates',
    'containers',
    'dashboard',
    'doctor',
    'data-transfers',
    'drains',
    'dynos',
    'engine',
    'gate',
    'git',
    'grants',
    'installation',
    'logs',
    'metrics',
    'one-offs',
    'outbound',
    'output',
    'own-pages',
    'queue',
    'quotas',
    'release',
    'router/control',
    'router/run.ts',
    'services',
    'setup',
    'store',
    'supervisor',
    'upgrades',
    'volumes',
    'webhooks',
    'worker',
    'data-directory.ts',
    'server-id.ts',
    'package.json',
  ],
  bin: [
    'build',
    'cli/tarball.ts',
    'data-directory.ts',
    'engine/docker/docker.ts',
    'engine/docker/preparation.ts',
    'engine/engine.ts',
    'output',
  ],
  hooks: [],
  'data-directory.ts': [],
  'user-limits.ts': [],
  'server-id.ts': ['data-directory.ts'],
}
const open = [
  'model',
  'errors.ts',
  'errors-catalogue.ts',
  'child-streams.ts',
  'log.ts',
  'load-without.ts',
  'lock.ts',
  'acme-settings.ts',
  'package-source.ts',
  'router-processes.ts',
  'config.ts',
  'paths.ts',
  'qr.ts',
  'cipher.ts',
  'settings-file.ts',
  'settings-reader.ts',
  'settings-values.ts',
  'source-positions.ts',
  'credentials.ts',
  'retry.ts',
  'every-day.ts',
  'tar.ts',
  'logins.ts',
  'unix-socket.ts',
]

/** The packages that only one place may know. */
const homes: Record<string, string> = {
  '@fastify/etag': 'api',
  '@fastify/type-provider-typebox': 'api',
  '@peculiar/asn1-schema': 'router/tls',
  '@peculiar/asn1-x509': 'router/tls',
  '@peculiar/x509': 'router/tls',
  bullmq: 'queue',
  commander: 'cli',
  dockerode: 'engine/docker',
  'acme-client': 'certificates/acme',
  '@xterm/xterm': 'dashboard',
  ajv: 'api/http',
  fastify: 'api',
  hono: 'dashboard',
  ioredis: 'redis.ts',
  koffi: 'main',
  'node:sqlite': 'store',
  'node-git-server': 'git',
  pino: 'log.ts',
  'prom-client': 'metrics',
  'reflect-metadata': 'router/tls',
  'simple-git': 'git',
  'tar-stream': 'tar.ts',
  typebox: 'api',
  uqr: 'qr.ts',
  uplot: 'dashboard',
  ws: 'dashboard',
  yaml: 'build',
}

const files = ['bin', 'hooks', 'src'].flatMap((directory) =>
  readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.[cm]?[jt]s$/.test(file))
    .map((file) => join(directory, file)),
)
const imports = readImports(root, files)

describe('imports', () => {
  it('point one way only, in each room to those that its rule names', () => {
    expect(strayImports(imports, { allowed, open })).toEqual([])
  })

  it('use all that the rules allow', () => {
    expect(unusedRules(imports, allowed)).toEqual([])
  })

  it('have no cycle, of types neither', () => {
    expect(cyclesOf(imports)).toEqual([])
  })

  it('keep each package in its one home', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object }
    // A lock is of use everywhere; the other two are programs that are run.
    const known = [...Object.keys(homes), 'async-mutex', 'node', 'npm']
    expect(Object.keys(manifest.dependencies).filter((name) => !known.includes(name))).toEqual([])
    expect(straysFromHome(imports, homes)).toEqual([])
  })

  it('keep containers out of the processes that the public reaches', () => {
    const docker = (first: string) => loadedBy(imports, first).filter((file) => file.startsWith('engine/docker/'))
    expect(docker('main/worker.ts')).not.toEqual([])
    expect([...docker('main/api.ts'), ...docker('main/router.ts')]).toEqual([])
  })

  it('keep dockerode out of the gate, which is small and speaks for itself', () => {
    const loaded = loadedBy(imports, 'main/gate.ts')
    expect(loaded).toContain('engine/docker/host-config.ts')
    expect(loaded).not.toContain('engine/docker/dockerode.ts')
  })

  it('keep the router apart from the record, from Redis and from the API', () => {
    const apart = /^(store|queue|redis\.ts|api|worker)(\/|$)/
    expect(loadedBy(imports, 'main/api.ts').some((file) => apart.test(file))).toBe(true)
    expect(loadedBy(imports, 'main/router.ts').filter((file) => apart.test(file))).toEqual([])
  })
})

describe('exported names', () => {
  it('stand for one thing each', () => {
    const declared = /^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm
    const names = files
      // What starts a role is `run` in the file of each.
      .filter((file) => file.startsWith('src/') && !file.startsWith('src/main/'))
      .flatMap((file) => [...readFileSync(join(root, file), 'utf8').matchAll(declared)].map(([, name]) => name))
    expect(names.length).toBeGreaterThan(1000)
    expect(names.filter((name, index) => names.indexOf(name) < index)).toEqual([])
  })
})

/** A made-up tree: each text is a file's. */
function graph(texts: Record<string, string>): Import[] {
  return Object.entries(texts).flatMap(([file, text]) => importsIn(file, text))
}

describe('what reads the imports', () => {
  it.each([
    ['a value', "import { b } from '../b/b.ts'"],
    ['a type', "import type { B } from '../b/b.ts'"],
    ['over several lines', "import {\n  b,\n  type C,\n} from '../b/b.ts'"],
    ['what is handed on', "export { b } from '../b/b.ts'"],
    ['what is loaded later', "const { b } = await import('../b/b.ts')"],
    ['for its effect alone', "import '../b/b.ts'"],
  ])('finds %s in a room that may not have it', (_, text) => {
    const tree = graph({ 'src/a/a.ts': text })
    expect(strayImports(tree, { allowed: { a: [] }, open: ['model'] })).toEqual(['a/a.ts -> b/b.ts'])
    expect(strayImports(tree, { allowed: { a: ['b/other.ts'] }, open: [] })).toEqual(['a/a.ts -> b/b.ts'])
    expect(strayImports(tree, { allowed: { a: ['b'] }, open: [] })).toEqual([])
  })

  it('knows no room without a rule', () => {
    expect(strayImports(graph({ 'bin/a.ts': "import { b } from '../src/b/b.ts'" }), { allowed: {}, open: [] })).toEqual(
      ['bin/a.ts -> b/b.ts'],
    )
  })

  it('finds a rule that nothing needs', () => {
    const tree = graph({ 'src/a/a.ts': "import { b } from '../b/b.ts'" })
    expect(unusedRules(tree, { a: ['b', 'c'], d: ['b'] })).toEqual(['a -> c', 'd -> b'])
  })

  it('finds cycles of values, of types, of both and over several files', () => {
    const tree = graph({
      'src/a.ts': "import { b } from './b.ts'",
      'src/b.ts': "import type { C } from './c.ts'\nimport { d } from './d.ts'",
      'src/c.ts': "import type { A } from './a.ts'",
      'src/d.ts': "import { e } from './e.ts'",
      'src/e.ts': "import { e } from './e.ts'",
    })
    expect(cyclesOf(tree)).toEqual([['e.ts'], ['a.ts', 'b.ts', 'c.ts']])
    expect(cyclesOf(tree.filter(({ isType }) => !isType))).toEqual([['e.ts']])
  })

  it('finds a package outside its home', () => {
    const tree = graph({ 'src/a/a.ts': "import { x } from 'x'", 'src/b/b.ts': "import type { X } from 'x'" })
    expect(straysFromHome(tree, { x: 'a' })).toEqual(['b/b.ts -> x'])
  })

  it('follows values alone to what a process loads', () => {
    const tree = graph({
      'src/a.ts': "import type { T } from './t.ts'\nimport { b } from './b.ts'",
      'src/b.ts': "export * from './c.ts'",
    })
    expect(loadedBy(tree, 'a.ts')).toEqual(['a.ts', 'b.ts', 'c.ts'])
  })
})
