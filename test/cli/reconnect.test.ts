import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '../../src/cli/client.ts'
import { persist } from '../../src/cli/persist.ts'
import { PaasError, type ErrorCode } from '../../src/errors.ts'
import { openOutputWriters } from '../../src/output/writer.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { command, runCommand, TestTerminal, type Said } from './terminal.ts'

const patient = { timeout: 60_000 }

/** A command that goes on, and what it has shown so far. */
class Running {
  readonly #child: ChildProcess
  readonly end: Promise<number | null>
  shown = ''
  told = ''

  constructor(argv: string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(command, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (this.shown += chunk))
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (this.told += chunk))
    this.end = once(this.#child, 'close').then(([code]) => code as number | null)
  }

  get timesLost(): number {
    return this.told.split('reconnecting').length - 1
  }

  stop(): void {
    this.#child.kill('SIGINT')
  }
}

describe('while the server restarts', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server?.stop())
  const paas = (...argv: string[]): Promise<Said> => runCommand(argv, { env: server.env })

  it('logs --tail and ps --watch wait for it, say so once, and go on', async () => {
    await paas('create', 'acme')
    const tail = new Running(['logs', '--tail', '-a', 'acme'], server.env)
    const watch = new Running(['ps', '--watch', '-a', 'acme'], server.env)
    await paas('config:set', 'BEFORE=1', '-a', 'acme')
    await expect.poll(() => tail.shown, patient).toContain('Set BEFORE config vars')
    await expect.poll(() => watch.told, patient).toContain('acme has no dynos')
    expect(await server.terminate()).toBe(0)
    await expect.poll(() => [tail.timesLost, watch.timesLost], patient).toEqual([1, 1])
    await server.start()
    await paas('config:set', 'AFTER=1', '-a', 'acme')
    await expect.poll(() => tail.shown, patient).toContain('Set AFTER config vars')
    expect([tail.timesLost, watch.timesLost]).toEqual([1, 1])
    await paas('destroy', 'acme', '--confirm', 'acme')
    expect(await watch.end).toBe(1)
    expect(watch.told).toContain('There is no app "acme"')
    tail.stop()
    await tail.end
    expect(tail.shown.split('Set BEFORE config vars').length).toBe(2)
  })
})

describe('a server that cannot be reached', () => {
  it('at first ends a command that would wait for it later', async () => {
    const env = { ...process.env, PAAS_URL: 'http://localhost:1', PAAS_TOKEN: 'x' }
    for (const argv of [['ps', '--watch'], ['logs', '--tail'], ['builds:output'], ['ps:wait']]) {
      const { code, stderr } = await runCommand([...argv, '-a', 'acme'], { env })
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('nothing listens there') })
    }
  })
})

describe('a server that ends before it has answered', () => {
  const mayBeDone = 'What you asked for may have been done all the same: look before you ask again.'
  const ends: [string, (answer: ServerResponse) => void][] = [
    ['with the connection', (answer) => answer.destroy()],
    ['behind its router', (answer) => answer.writeHead(503).end('{"id":"H99","message":"Not ready."}')],
  ]

  it.each(ends)('%s may have done what changes something, and the command says so', async (_, end) => {
    const server = createServer((_request, answer) => end(answer)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = new Client({ url: `http://localhost:${(server.address() as AddressInfo).port}`, token: undefined })
    const hintOf = (call: Promise<unknown>) => call.catch((cause: PaasError) => cause.hint)
    expect(await hintOf(client.post('/apps/acme/addons', { plan: 'heroku-postgresql' }))).toBe(mayBeDone)
    expect(await hintOf(client.get('/apps/acme/addons'))).toBe('Is it running? See PAAS_URL and: paas login')
    server.close()
  })
})

describe('what is asked again', () => {
  const client = new Client({ url: 'http://localhost:1', token: undefined })
  const failing = (code: ErrorCode) => {
    let times = 0
    return async () => {
      times += 1
      if (times === 1) throw new PaasError(code, 'not now')
      return times
    }
  }

  it.each(['server_unreachable', 'server_closing'] as const)('is what met %s', async (code) => {
    expect(await persist(client, failing(code), { told: true })).toBe(2)
    await expect(persist(client, failing(code), { patience: -1 })).rejects.toThrow('not now')
  })

  it('is nothing that the server has an answer to', async () => {
    await expect(persist(client, failing('app_not_found'))).rejects.toThrow('not now')
  })
})

describe('the output of a build', () => {
  it('goes on where it was when its connection is cut', async () => {
    await using terminal = await TestTerminal.start()
    await terminal.api.createApp('acme')
    const { store, config, redis, serverId } = terminal.api
    const { id: appId, ownerId: accountId } = store.apps.find('acme')!
    const asked = { appId, accountId, ref: null, previousCommit: null, noCache: false, detached: false }
    const { build } = store.builds.create({ ...asked, commit: 'a'.repeat(40) })
    store.builds.claim(build.id)
    await using writers = openOutputWriters({ ...redis.deps, serverId, directory: config.paths.builds })
    const writer = writers.open(build.id)
    writer.write('-----> one\n')
    const follow = new Running(['builds:output', build.id.slice(0, 12), '-a', 'acme'], terminal.env)
    await expect.poll(() => follow.shown, patient).toBe('-----> one\n')
    terminal.cutConnections()
    writer.write('-----> two\n')
    await expect.poll(() => follow.shown, patient).toBe('-----> one\n-----> two\n')
    store.builds.finish(build.id, 1, { kind: 'failed', finishedAt: new Date(), code: 'build_failed', reason: 'no.' })
    await writer.end()
    expect(await follow.end).toBe(1)
    expect(follow.told).toContain('reconnecting')
    expect(follow.told).toContain('failed: no.')
  })
})
