import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

/** Whatever happens at the same time, the final state is what was accepted last. */

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  await server?.stop()
})

async function version(app: TestApp, text: string): Promise<void> {
  await app.repository.write('server.js', serve(text))
  await app.repository.commit(text)
}

const serve = (text: string): string =>
  `require('node:http').createServer((q,a)=>a.end(${JSON.stringify(text)}+' '+(process.env.COLOUR??'none'))).listen(process.env.PORT)\n`

async function served(text: string): Promise<TestApp> {
  const app = await TestApp.create(server, 'node-hello')
  await version(app, text)
  const push = await app.push()
  expect(push.code, push.output).toBe(0)
  return app
}

describe('a config change', () => {
  it('is a release and a rolling restart, never a build', async () => {
    await using app = await served('one')
    await app.api('PATCH', '/config-vars', { COLOUR: 'red', SHAPE: 'round' })
    await until('the new value serves', async () => (await app.get()).body === 'one red')
    const { body } = await app.api<{ version: number; description: string }[]>('GET', '/releases')
    expect(body.map(({ version: number }) => number)).toEqual([1, 2, 3])
    expect(body[2]?.description).toBe('Set COLOUR, SHAPE config vars')
    expect((await app.api<unknown[]>('GET', '/builds')).body).toHaveLength(1)
  })

  it('made while a push builds is part of what serves in the end', async () => {
    await using app = await served('old')
    await app.repository.write(
      'package.json',
      JSON.stringify({ name: 'a', version: '1.0.0', scripts: { start: 'node server.js', build: 'sleep 2' } }),
    )
    await version(app, 'new')
    const push = app.push()
    await until('the build runs', async () => (await app.api<unknown[]>('GET', '/builds')).body.length === 2)
    await app.api('PATCH', '/config-vars', { COLOUR: 'blue' })
    expect((await push).code).toBe(0)
    await until('both serve', async () => (await app.get()).body === 'new blue')
  })

  it('outlives a push that fails at boot', async () => {
    await using app = await served('good')
    await app.repository.write('server.js', 'setTimeout(() => process.exit(3), 3000)\n')
    await app.repository.commit('bad')
    const push = app.push()
    await until('the release is pending', async () => (await releases(app)).at(-1)?.status === 'pending')
    await app.api('PATCH', '/config-vars', { COLOUR: 'green' })
    expect((await push).code).toBe(1)
    await until('the old code serves with the new config', async () => (await app.get()).body === 'good green')
  })
})

describe('during a push', () => {
  it('a rollback is done first or last, and the last accepted serves', async () => {
    await using app = await served('one')
    await version(app, 'two')
    await app.push()
    await version(app, 'three')
    const [push] = await Promise.all([app.push(), app.api('POST', '/releases', { release: '2' })])
    expect(push.code, push.output).toBe(0)
    await until('everything is settled', async () => (await releases(app)).every(({ status }) => status !== 'pending'))
    const newest = (await releases(app)).at(-1)
    const expected = newest?.description.startsWith('Rollback') ? 'one none' : 'three none'
    await until('the newest release serves', async () => (await app.get()).body === expected)
  })

  it('scaling is kept', async () => {
    await using app = await served('one')
    await version(app, 'two')
    const [push] = await Promise.all([
      app.push(),
      app.api('PATCH', '/formation', { updates: [{ type: 'web', quantity: 2 }] }),
    ])
    expect(push.code, push.output).toBe(0)
    await until('two dynos of the new release', async () => {
      const { body } = await app.api<{ state: string; release: { version: number } }[]>('GET', '/dynos')
      return body.length === 2 && body.every(({ state, release }) => state === 'up' && release.version === 3)
    })
  })

  it('destroy ends the push and leaves nothing', async () => {
    await using app = await served('one')
    await app.repository.write(
      'package.json',
      JSON.stringify({ name: 'a', version: '1.0.0', scripts: { start: 'node server.js', build: 'sleep 5' } }),
    )
    await version(app, 'two')
    const push = app.push()
    await until('the build runs', async () => (await app.api<unknown[]>('GET', '/builds')).body.length === 2)
    await app.api('DELETE', '')
    expect((await push).code).not.toBe(0)
    // The answer to DELETE says that it is on record; the worker carries it out.
    await until('nobody reaches it', async () => (await app.get()).status === 404)
  })
})

describe('a rollback', () => {
  it('restores code and config under a new number', async () => {
    await using app = await served('one')
    await app.api('PATCH', '/config-vars', { COLOUR: 'red' })
    await version(app, 'two')
    await app.push()
    await app.api('PATCH', '/config-vars', { COLOUR: 'blue' })
    await until('new', async () => (await app.get()).body === 'two blue')
    await app.api('POST', '/releases', { release: 'v3' })
    await until('old', async () => (await app.get()).body === 'one red')
    expect((await releases(app)).at(-1)).toMatchObject({ version: 6, description: 'Rollback to v3' })
    expect((await app.api<Record<string, string>>('GET', '/config-vars')).body).toEqual({ COLOUR: 'red' })
  })
})

type ReleaseBody = { version: number; status: string; description: string }

async function releases(app: TestApp): Promise<ReleaseBody[]> {
  return (await app.api<ReleaseBody[]>('GET', '/releases')).body.toSorted((a, b) => a.version - b.version)
}
