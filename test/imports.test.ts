import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../src')

/** What the code of each directory may import; `model`, `errors` and `log` are open to all. */
const allowed: Record<string, string[]> = {
  model: [],
  store: [],
  engine: [],
  queue: ['redis.ts'],
  output: ['redis.ts'],
  logs: [],
  metrics: [],
  router: ['logs', 'metrics'],
  build: ['app-lock.ts', 'engine', 'outbound', 'output', 'quotas', 'release', 'source', 'store'],
  dynos: ['app-lock.ts', 'engine', 'logs', 'quotas', 'router/control/control.ts', 'store'],
  release: ['app-lock.ts', 'dynos', 'logs', 'output', 'store'],
  grants: ['store'],
  quotas: ['store'],
  'one-offs': ['dynos', 'engine', 'grants', 'logs', 'store'],
  source: ['queue', 'quotas', 'store'],
  git: ['store', 'queue', 'source', 'grants', 'quotas'],
  containers: ['build', 'engine'],
  worker: ['build', 'drains', 'dynos', 'engine', 'logs', 'metrics', 'one-offs', 'output', 'queue', 'release', 'store'],
  api: [
    'source',
    'grants',
    'quotas',
    'release',
    'build',
    'queue',
    'store',
    'containers/containers.ts',
    'router/control/control.ts',
    'logs',
    'metrics',
    'outbound',
    'webhooks/notification.ts',
  ],
  outbound: [],
  drains: ['logs', 'outbound', 'store'],
  webhooks: ['outbound', 'store'],
  cli: [],
}
const open = [
  'model',
  'errors.ts',
  'errors-catalogue.ts',
  'child-streams.ts',
  'log.ts',
  'lock.ts',
  'config.ts',
  'cipher.ts',
  'settings-reader.ts',
  'credentials.ts',
  'tar.ts',
]

/** Each vendor package and the one directory that may know it. */
const vendors: Record<string, string> = {
  dockerode: 'engine/docker',
  bullmq: 'queue',
  ioredis: 'redis.ts',
  'tar-stream': 'tar.ts',
  'node:sqlite': 'store',
  'node-git-server': 'git',
  'prom-client': 'metrics',
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const imports: { file: string; specifier: string; isType: boolean }[] = files.flatMap((file) =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      /^(?:import|export)\b[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)/gm,
    ),
  ].map((match) => ({
    file,
    specifier: match[1] ?? match[2] ?? '',
    isType: /^(import|export) type\b/.test(match[0]),
  })),
)

/** All files that a process which begins with this one may load. */
function loadedBy(file: string, found = new Set([file])): Set<string> {
  for (const { specifier } of imports.filter((one) => one.file === file && !one.isType)) {
    const target = relative(root, resolve(root, dirname(file), specifier))
    if (specifier.startsWith('.') && !found.has(target)) loadedBy(target, found.add(target))
  }
  return found
}

describe('imports', () => {
  it('point one way only', () => {
    const wrong = imports.filter(({ file, specifier }) => {
      const directory = file.split('/')[0] ?? ''
      if (!specifier.startsWith('.') || !(directory in allowed)) return false
      const target = relative(root, resolve(root, dirname(file), specifier))
      const permitted = [directory, ...open, ...(allowed[directory] ?? [])]
      return !permitted.some((path) => target === path || target.startsWith(`${path}/`))
    })
    expect(wrong).toEqual([])
  })

  it('keep each vendor in its own directory', () => {
    const wrong = imports.filter(({ file, specifier }) => {
      const home = vendors[specifier]
      return home !== undefined && file !== home && !file.startsWith(`${home}/`)
    })
    expect(wrong).toEqual([])
  })

  it('keep containers out of the processes that the public reaches', () => {
    const docker = (file: string): string[] => [...loadedBy(file)].filter((one) => one.startsWith('engine/docker/'))
    expect(docker('main/worker.ts')).not.toEqual([])
    expect([...docker('main/api.ts'), ...docker('main/router.ts')]).toEqual([])
  })

  it('leave the command knowing only the HTTP api', () => {
    const wrong = imports.filter(
      ({ file, specifier }) => file.startsWith('cli/') && /\.\.\/(store|engine|queue|git)/.test(specifier),
    )
    expect(wrong).toEqual([])
  })
})
