import { execFile } from 'node:child_process'
import { appendFile, chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStack } from '../../src/build/stack/debian.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import { createLog } from '../../src/log.ts'
import { api, TestApp, until } from '../helpers/app.ts'
import { TestRepository } from '../helpers/repository.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

const run = promisify(execFile)
const name = `debian-${process.pid}-old`

let server: TestServer
let directory: string
let apps: TestApp[]

/**
 * A second stack: a copy of ours with few packages, whose images say that one of them, netbase, is older than it is. So
 * Debian's mirror always has something newer.
 */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-stacks-'))
  // The server's roles are users of their own.
  await chmod(directory, 0o755)
  await cp(resolve(import.meta.dirname, '../../stack/debian-13'), join(directory, 'debian-13'), { recursive: true })
  await cp(join(directory, 'debian-13'), join(directory, name), { recursive: true })
  await writeFile(join(directory, name, 'run-packages'), 'netbase\n')
  await appendFile(
    join(directory, name, 'install'),
    "sed -i '/^Package: netbase$/,/^$/ s/^Version: .*/&~old/' /var/lib/dpkg/status\n",
  )
  // As set-up does, which is root.
  const config = loadConfig({ ...process.env, PAAS_STACKS: directory, XDG_CACHE_HOME: directory })
  const engine = connectDocker({ docker: config.docker, serverId: `${name}-setup`, log: createLog('test', 'silent') })
  await createStack({ engine, config }, name).runImage([], () => undefined)
  await engine.removeServer()
  server = await startServer({ env: { PAAS_STACKS: directory } })
  apps = await Promise.all(
    ['', 'grep -A9 "^Package: netbase$" /var/lib/dpkg/status | grep -q old || exit 7; '].map(appWith),
  )
}, 600_000)
afterAll(async () => {
  await server?.stop()
  await rm(directory, { recursive: true, force: true })
  const { stdout } = await run('docker', ['image', 'ls', '--quiet', '--filter', `label=paas.stack=${name}`])
  const images = [...new Set(stdout.split('\n').filter(Boolean))]
  if (images.length > 0) await run('docker', ['rmi', '--force', ...images])
})

async function appWith(guard: string): Promise<TestApp> {
  const repository = await TestRepository.fromFixture('node-hello')
  await repository.write('Procfile', `web: ${guard}exec node server.js\n`)
  await repository.commit('Says how it is started')
  return TestApp.create(server, repository)
}

const runImage = async (app: TestApp) => (await app.api<Record<string, unknown>>('GET', '/run-image')).body

describe('a second stack', () => {
  it('is offered beside the usual one, and an app that is set to it is built on it', async () => {
    const { body: stacks } = await api<{ name: string; default: boolean }[]>(server, 'GET', '/stacks')
    expect(stacks.map((stack) => [stack.name, stack.default])).toEqual([
      ['debian-13', true],
      [name, false],
    ])
    for (const app of apps) {
      await app.api('PATCH', '', { build_stack: name })
      expect(await app.push()).toMatchObject({ code: 0, output: expect.stringContaining('deployed') as string })
      expect((await app.api('GET', '')).body).toMatchObject({ stack: { name }, build_stack: { name } })
      expect((await app.get()).body).toBe('Hello, world\n')
    }
  }, 600_000)
})

describe('an upgrade of the stack', () => {
  it('moves an app to an image with the updates; one that does not come up on it serves from the old one', async () => {
    const lacks = {
      stack: { name },
      movable: true,
      updates: [expect.objectContaining({ package: 'netbase' }) as unknown],
    }
    for (const app of apps) expect(await runImage(app)).toMatchObject(lacks)
    const { body: asked } = await api<{ id: string }>(server, 'POST', '/stack-upgrades', { body: {} })
    const said = new Set<string>()
    const ended = await until(
      'the upgrade is over',
      async () => {
        const { body } = await api<{ state: string; progress: string; apps: { state: string }[] }>(
          server,
          'GET',
          `/stack-upgrades/${asked.id}`,
        )
        said.add(body.progress)
        return body.state !== 'running' && body
      },
      300_000,
    )
    expect(ended).toMatchObject({
      state: 'finished',
      apps: expect.arrayContaining([
        expect.objectContaining({ app: expect.objectContaining({ name: apps[0]!.name }) as unknown, state: 'moved' }),
        expect.objectContaining({ state: 'failed', reason: 'boot failed: web.1 exited with 7' }),
      ]) as unknown,
    })
    // Nothing of what apt-get says.
    expect([...said].filter((line) => line && !/^(looking up|adding|making|moving|another)/.test(line))).toEqual([])
    expect(await runImage(apps[0]!)).toMatchObject({ updates: [], last_move: { state: 'moved' } })
    expect(await runImage(apps[1]!)).toMatchObject({ ...lacks, last_move: { state: 'failed' } })
    for (const app of apps) expect((await app.get()).body).toBe('Hello, world\n')
    const { body: releases } = await apps[0]!.api<{ description: string; status: string }[]>('GET', '/releases')
    expect(releases.at(-1)).toMatchObject({ description: `Upgrade stack to ${name}`, status: 'succeeded' })
  }, 600_000)

  it('is what the next build uses too', async () => {
    await apps[0]!.repository.commit('Next version')
    expect((await apps[0]!.push()).code).toBe(0)
    expect(await runImage(apps[0]!)).toMatchObject({ updates: [] })
  }, 600_000)
})
