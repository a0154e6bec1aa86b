import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import type { Outcome } from '../helpers/repository.ts'
import { rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

/** Redis only wakes and carries: losing it, or all it holds, loses nothing. */

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  await server?.stop()
})

async function slowApp(text: string): Promise<TestApp> {
  const app = await TestApp.create(server, 'node-hello')
  const scripts = { start: 'node server.js', build: 'echo begins; sleep 3; echo ends' }
  await app.repository.write('package.json', JSON.stringify({ name: 'a', version: '1.0.0', scripts }))
  await app.repository.write(
    'server.js',
    `require('node:http').createServer((q,a)=>a.end(${JSON.stringify(text)})).listen(process.env.PORT)\n`,
  )
  await app.repository.commit(text)
  return app
}

/** A push, and what it shows while it lasts. */
function follow(app: TestApp): { push: Promise<Outcome>; shows: (pattern: RegExp) => Promise<unknown> } {
  let shown = ''
  const push = app.repository.follow((chunk) => (shown += chunk), 'push', 'paas', 'main')
  return { push, shows: (pattern) => until(`the push shows ${pattern}`, async () => pattern.test(shown), 60_000) }
}

const socket = (): string => join(server.dataDirectory, 'run/redis/redis.sock')

describe('a push', () => {
  it('goes on when all of Redis is wiped in the middle of its build', async () => {
    await using app = await slowApp('wiped')
    const { push, shows } = follow(app)
    await shows(/^remote: +begins\b/m)
    execFileSync('redis-cli', ['-s', socket(), 'FLUSHALL'])
    const { code, output } = await push
    expect(code, output).toBe(0)
    expect(output.match(/^remote: +ends\b/gm)).toHaveLength(1)
    expect((await app.get()).body).toBe('wiped')
  })

  it('goes on when Redis is killed in the middle of its build', async () => {
    await using app = await slowApp('killed')
    const { push, shows } = follow(app)
    await shows(/^remote: +begins\b/m)
    process.kill(rolePid(server.pid, 'redis'), 'SIGKILL')
    const { code, output } = await push
    expect(code, output).toBe(0)
    expect((await app.get()).body).toBe('killed')
  })

  it('that comes while Redis does not answer is recorded, says so, and is built when it answers again', async () => {
    await using app = await slowApp('recorded')
    const redis = rolePid(server.pid, 'redis')
    process.kill(redis, 'SIGSTOP')
    const { push, shows } = follow(app)
    await shows(/queue.*The build starts as soon as/i)
    expect((await app.api<unknown[]>('GET', '/builds')).body).toHaveLength(1)
    process.kill(redis, 'SIGCONT')
    const { code, output } = await push
    expect(code, output).toBe(0)
    expect((await app.get()).body).toBe('recorded')
  })
})
