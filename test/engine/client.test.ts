import { createRequire } from 'node:module'
import type { Agent } from 'node:http'
import { symlink, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { loadConfig, type Config } from '../../src/config.ts'
import { connectClient, olderVersion } from '../../src/engine/docker/client.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import { createLog } from '../../src/log.ts'

const configured = loadConfig().docker
const connect = (docker: Config['docker']) =>
  connectDocker({ docker, serverId: 'client-test', log: createLog('test', 'silent') })

it('the engine says what it is', async () => {
  expect(await connect(configured).info()).toEqual({
    name: 'docker',
    version: expect.stringMatching(/./),
    rootDirectory: expect.stringMatching(/^\//),
    runtimes: expect.arrayContaining([expect.any(String)]),
    memoryMiB: expect.any(Number),
    cpus: expect.any(Number),
    host: expect.stringMatching(/./),
  })
})

it('an engine that is down is unavailable, and used as soon as it is back', async () => {
  if (configured.kind !== 'socket') throw new Error('this test needs an engine on a Unix socket')
  const directory = await mkdtemp(join(tmpdir(), 'paas-engine-'))
  try {
    const path = join(directory, 'docker.sock')
    const engine = connect({ kind: 'socket', path })
    await expect(engine.listDynos()).rejects.toMatchObject({
      code: 'engine_unavailable',
      message: `Docker does not answer at ${path} (ENOENT).`,
    })
    await symlink(configured.path, path)
    expect(await engine.listDynos()).toEqual([])
    await rm(path)
    await expect(engine.listDynos()).rejects.toMatchObject({ code: 'engine_unavailable' })
  } finally {
    await rm(directory, { recursive: true })
  }
})

// docker-modem does so before each call, to any depth.
it('the agent of the calls is inspected at once, however many connections are open', async () => {
  const docker = connectClient(configured)
  const { agent } = docker.modem as unknown as { agent: Agent }
  const streams = await Promise.all(Array.from({ length: 3 }, () => docker.getEvents()))
  try {
    expect(Object.values(agent.sockets).flat()).toHaveLength(3)
    expect(inspect({ agent }, { showHidden: true, depth: null })).toBe('{ agent: Agent }')
  } finally {
    for (const stream of streams) (stream as Readable).destroy()
  }
})

it('an engine on a port that nobody listens on is unavailable', async () => {
  await expect(connect({ kind: 'tcp', host: '127.0.0.1', port: 1 }).info()).rejects.toMatchObject({
    code: 'engine_unavailable',
    message: 'Docker does not answer at 127.0.0.1:1 (ECONNREFUSED).',
  })
})

it.runIf(process.geteuid?.() === 0)('a user without the right to use Docker is told how to get it', async () => {
  const engine = connect(configured)
  process.seteuid?.(65_534)
  try {
    await expect(engine.info()).rejects.toMatchObject({
      code: 'engine_unavailable',
      message: expect.stringContaining('no permission to use Docker'),
      hint: expect.stringContaining('docker group'),
    })
  } finally {
    process.seteuid?.(0)
  }
})

it('a signal that is aborted already rejects with its reason', async () => {
  const spec = { appId: undefined, image: 'none', name: 'x', user: 'root', env: {}, labels: {} }
  const sandbox = connect(configured).createSandbox(
    { ...spec, limits: { memoryMiB: 64, cpus: 1, pids: 10 } },
    AbortSignal.abort('stopped'),
  )
  await expect(sandbox).rejects.toBe('stopped')
})

it('the older of two API versions is found by number, not by text', () => {
  expect(olderVersion('1.41', '1.9')).toBe('1.9')
  expect(olderVersion('1.41', '1.51')).toBe('1.41')
  expect(olderVersion('2.0', '1.51')).toBe('1.51')
})

it('leaves SSH and gRPC, which dockerode would bring along, out of memory', () => {
  const loaded = Object.keys(createRequire(import.meta.url).cache)
  expect(loaded.filter((path) => path.includes('/node_modules/dockerode/')).length).toBeGreaterThan(0)
  expect(loaded.filter((path) => /\/node_modules\/(ssh2|@grpc|protobufjs)\//.test(path))).toEqual([])
})
