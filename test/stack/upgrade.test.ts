import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AgedStack } from '../helpers/aged-stack.ts'
import { api, TestApp, until } from '../helpers/app.ts'
import { TestRepository } from '../helpers/repository.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

let stack: AgedStack
let name: string
let server: TestServer
let apps: TestApp[]

beforeAll(async () => {
  stack = await AgedStack.create()
  name = stack.name
  server = await startServer({ env: { PAAS_STACKS: stack.directory } })
  apps = await Promise.all(
    ['', 'grep -A9 "^Package: netbase$" /var/lib/dpkg/status | grep -q old || exit 7; '].map(appWith),
  )
}, 600_000)
afterAll(async () => {
  await server?.stop()
  await stack?.[Symbol.asyncDispose]()
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
