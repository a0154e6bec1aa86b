import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { Dyno } from '../../src/engine/engine.ts'
import type { DynoExit } from '../../src/model/dyno-exit.ts'
import { newId, type AppId } from '../../src/model/ids.ts'
import { DynoExits } from '../../src/dynos/dyno-exits.ts'
import { waitUntilReady, type Boot } from '../../src/dynos/readiness.ts'

const answer = (status: number) => `HTTP/1.1 ${status} X\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi`

/** What listens where a web dyno's process would; `onRequest` gets each request's head and how many came. */
async function listening(onRequest: (socket: Socket, head: string, count: number) => void): Promise<App> {
  let count = 0
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', (head) => onRequest(socket, head.toString(), ++count))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}
type App = AsyncDisposable & { server: Server; port: number }

const dynoAt = (port: number, more: Partial<Dyno> = {}): Dyno => ({
  id: 'x',
  appId: newId<AppId>(),
  name: 'web.1',
  type: 'web',
  release: 2,
  size: 'basic',
  image: '',
  address: '127.0.0.1',
  port,
  host: 'acme.localhost',
  state: { kind: 'running', since: new Date() },
  restarts: 0,
  attached: false,
  createdAt: new Date(),
  ...more,
})

type Given = { dyno: Dyno; seconds?: number; strict?: boolean; found?: () => Dyno; exits?: DynoExits }

async function boot({ dyno, seconds = 1, strict = true, found = () => dyno, exits = new DynoExits() }: Given) {
  const told: number[] = []
  const engine = { findDyno: async () => found() }
  const wait = { restarts: 0, signal: new AbortController().signal }
  const result = await waitUntilReady({ engine, exits, boot: { timeoutSeconds: seconds } }, dyno, {
    ...wait,
    ...(strict && { onPoorAnswer: (status: number) => void told.push(status) }),
  })
  return { result, told }
}

const timedOut = (reply: object): Partial<Boot> => ({ kind: 'timeout', reply: reply as never })

describe('a web dyno', () => {
  it('is ready when it has answered a GET of / at its own host name with any status below 500', async () => {
    const heads: string[] = []
    await using app = await listening((socket, head) => {
      heads.push(head)
      socket.end(answer(404))
    })
    expect((await boot({ dyno: dynoAt(app.port) })).result.kind).toBe('ready')
    expect(heads).toEqual([expect.stringMatching(/^GET \/ HTTP\/1\.1\r\nhost: acme\.localhost\r\n/i)])
  })

  it('is not ready when it takes connections only', async () => {
    await using app = await listening(() => undefined)
    expect((await boot({ dyno: dynoAt(app.port) })).result).toMatchObject(timedOut({ kind: 'late' }))
  })

  it('is not ready when it ends them, or speaks something else', async () => {
    await using hangsUp = await listening((socket) => void socket.end())
    expect((await boot({ dyno: dynoAt(hangsUp.port) })).result).toMatchObject(timedOut({ kind: 'broken' }))
    await using other = await listening((socket) => void socket.end('220 mail ready\r\n'))
    expect((await boot({ dyno: dynoAt(other.port) })).result).toMatchObject(timedOut({ kind: 'broken' }))
  })

  it('may take its time to answer, within the boot time', async () => {
    await using app = await listening((socket) => void setTimeout(() => socket.end(answer(200)), 6000))
    expect((await boot({ dyno: dynoAt(app.port), seconds: 10 })).result.kind).toBe('ready')
  })

  it('that answers with a server error is asked again, and each new status is told once', async () => {
    await using app = await listening((socket, _, count) => void socket.end(answer([503, 503, 500][count - 1] ?? 200)))
    expect(await boot({ dyno: dynoAt(app.port), seconds: 5 })).toMatchObject({
      result: { kind: 'ready' },
      told: [503, 500],
    })
    await using ill = await listening((socket) => void socket.end(answer(500)))
    const { result, told } = await boot({ dyno: dynoAt(ill.port) })
    expect(result).toMatchObject(timedOut({ kind: 'answered', status: 500 }))
    expect(told).toEqual([500])
  })

  it('of the release that serves is taken with a server error, since other pages may be well', async () => {
    await using ill = await listening((socket) => void socket.end(answer(500)))
    expect((await boot({ dyno: dynoAt(ill.port), strict: false })).result.kind).toBe('ready')
  })

  it('with a health check is asked for that, and not well from 400 on', async () => {
    const paths: string[] = []
    await using app = await listening((socket, head, count) => {
      paths.push(head.split(' ')[1]!)
      socket.end(answer(count === 1 ? 404 : 200))
    })
    const dyno = dynoAt(app.port, { healthcheck: 'http://acme.localhost/up?deep=1' })
    expect(await boot({ dyno, seconds: 5 })).toMatchObject({ result: { kind: 'ready' }, told: [404] })
    expect(paths).toEqual(['/up?deep=1', '/up?deep=1'])
  })

  it('that ends a moment after its answer is not ready, whoever noticed', async () => {
    const exit: DynoExit = { code: 1, outOfMemory: false }
    const exits = new DynoExits()
    await using app = await listening((socket) => {
      socket.end(answer(200))
      socket.once('close', () => exits.record({ kind: 'exited', id: 'x', exitCode: 1 }))
    })
    const dyno = dynoAt(app.port)
    expect((await boot({ dyno, exits })).result).toMatchObject({ kind: 'exited', exit })
    const found = () => ({ ...dyno, restarts: 1 })
    await using again = await listening((socket) => void socket.end(answer(200)))
    expect((await boot({ dyno: dynoAt(again.port), found })).result).toMatchObject({ kind: 'exited' })
  })
})
