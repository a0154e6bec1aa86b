import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLog, type Logger } from '../../src/log.ts'
import type { DataDoor } from '../../src/model/data-door.ts'
import type { AddonId } from '../../src/model/ids.ts'
import { Counters } from '../../src/router/counters.ts'
import { DataDoors } from '../../src/router/data-doors/data-doors.ts'
import { readMysqlPacket } from '../../src/router/data-doors/mysql-begin.ts'
import type { TlsIdentity } from '../../src/router/tls/identity.ts'
import { freePort } from '../helpers/free-port.ts'
import { refusingPort } from './helpers/apps.ts'
import { testIdentity } from './helpers/tls-router.ts'

const silent = createLog('test', 'silent')
const life = new AsyncDisposableStack()
let authority: TlsIdentity
let identity: TlsIdentity
let path: string
/** What is behind the doors: says what it hears. */
const echo = createServer((socket) => {
  served.add(socket)
  socket.on('error', () => undefined).pipe(socket)
})
const served = new Set<Socket>()

beforeAll(async () => {
  ;({ authority, identity } = await testIdentity())
  const directory = await mkdtemp(join(tmpdir(), 'paas-doors-'))
  life.defer(() => rm(directory, { recursive: true }))
  path = join(directory, 'doors.json')
  await once(echo.listen(0, '127.0.0.1'), 'listening')
  life.defer(() => {
    for (const socket of served) socket.destroy()
    echo.close()
  })
})
afterAll(() => life.disposeAsync())

function openDoors(
  limits = { handshake: 2_000, connect: 2_000 },
  { counters = new Counters(), log = silent }: { counters?: Counters; log?: Logger } = {},
): DataDoors {
  const doors = new DataDoors({ path, limits, counters, log })
  doors.show(identity)
  return doors
}

async function door(more: Partial<DataDoor> = {}): Promise<DataDoor> {
  return {
    addonId: '11111111-2222-4333-8444-555555555555' as AddonId,
    port: await freePort(),
    protocol: 'tls',
    networks: ['127.0.0.0/8'],
    target: { host: '127.0.0.1', port: (echo.address() as AddressInfo).port },
    most: 5,
    ...more,
  }
}

const askForTls = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const askForGss = Buffer.from([0, 0, 0, 8, 4, 210, 22, 48])
const startup = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0])

async function open(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host, localAddress: host })
  socket.on('error', () => undefined)
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve)
    socket.once('close', () => resolve())
  })
  return socket
}

/** The first bytes that come, or nothing where the other side closes. */
async function answerOf(socket: Socket): Promise<Buffer> {
  if (socket.destroyed) return Buffer.alloc(0)
  const gone = new Promise<Buffer>((resolve) => socket.once('close', () => resolve(Buffer.alloc(0))))
  return Promise.race([new Promise<Buffer>((resolve) => socket.once('data', resolve)), gone])
}

async function secured(socket: Socket, options: { ALPNProtocols?: string[] } = {}): Promise<TLSSocket> {
  const secure = connectTls({ socket, ca: authority.certificate, servername: 'app.test', ...options })
  secure.on('error', () => undefined)
  await once(secure, 'secureConnect')
  return secure
}

async function echoes(secure: TLSSocket, text = 'hello'): Promise<void> {
  secure.write(text)
  expect(String(await answerOf(secure))).toBe(text)
}

describe('a door', () => {
  it('leads whoever is in its networks to the service, with TLS, and carries much both ways', async () => {
    using doors = openDoors()
    const one = await door()
    expect(await doors.install([one])).toEqual({})
    const secure = await secured(await open(one.port))
    await echoes(secure)
    const much = Buffer.alloc(5_000_000, 'abcdefgh')
    secure.end(much)
    let size = 0
    for await (const chunk of secure as AsyncIterable<Buffer>) size += chunk.length
    expect(size).toBe(much.length)
  })

  it('gives nobody else one byte', async () => {
    using doors = openDoors()
    const one = await door({ networks: ['127.0.0.2/32', '2001:db8::/32'] })
    await doors.install([one])
    const before = served.size
    const socket = await open(one.port)
    socket.write(askForTls)
    expect(await answerOf(socket)).toHaveLength(0)
    await secured(await open(one.port, '127.0.0.2')).then(echoes)
    expect(served.size).toBe(before + 1)
  })

  it('lets nobody in without TLS', async () => {
    using doors = openDoors()
    const one = await door()
    await doors.install([one])
    const before = served.size
    for (const bytes of ['AUTH secret\r\n', 'GET / HTTP/1.1\r\n\r\n', '\0\0\0\0']) {
      const socket = await open(one.port)
      socket.write(bytes)
      await once(socket.resume(), 'close')
    }
    expect(served.size).toBe(before)
  })

  it('closes after a while to who says nothing, and has room for so many only', async () => {
    using doors = openDoors({ handshake: 2_000, connect: 2_000 })
    const one = await door({ most: 2 })
    await doors.install([one])
    const silent = [await open(one.port), await open(one.port)]
    const third = await open(one.port)
    expect(await answerOf(third)).toHaveLength(0)
    await Promise.all(silent.map((socket) => once(socket.resume(), 'close')))
    await secured(await open(one.port)).then(echoes)
  })

  it('cuts who may not come in any more, and leaves the others', async () => {
    using doors = openDoors()
    const one = await door({ networks: ['127.0.0.0/8'] })
    await doors.install([one])
    const [leaving, staying] = [await secured(await open(one.port)), await secured(await open(one.port, '127.0.0.2'))]
    await Promise.all([echoes(leaving), echoes(staying)])
    await doors.install([{ ...one, networks: ['127.0.0.2/32'] }])
    await once(leaving.resume(), 'close')
    await echoes(staying)
    await doors.install([])
    await once(staying.resume(), 'close')
    expect((await open(one.port)).destroyed).toBe(true)
  })

  it('is closed while nothing is behind it, and says nothing of what is', async () => {
    using doors = openDoors()
    const one = await door({ target: null })
    await doors.install([one])
    const socket = await open(one.port)
    expect(await answerOf(socket)).toHaveLength(0)
  })

  it('whose port is taken is told, and the others open', async () => {
    using doors = openDoors()
    const [taken, free] = [await door(), await door()]
    const other = createServer().listen(taken.port)
    await once(other, 'listening')
    expect(await doors.install([taken, free])).toEqual({ [taken.port]: expect.stringContaining('cannot be used') })
    await secured(await open(free.port)).then(echoes)
    other.close()
  })

  it('is there again with the next router, which may still share it with the last one', async () => {
    const one = await door()
    using first = openDoors()
    await first.install([one])
    const before = await secured(await open(one.port))
    await echoes(before)
    using next = openDoors()
    await next.restore(true)
    await first.leave()
    await secured(await open(one.port)).then(echoes)
    await echoes(before)
  })
})

describe('who came through to no service', () => {
  type Line = { level: number; address: string; port: number; addon: string; reason: string; unlogged?: number }

  function watch(): { counters: Counters; log: Logger; lines: Line[] } {
    const lines: Line[] = []
    const log = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line) as Line) })
    return { counters: new Counters(), log, lines }
  }

  it('is counted, and in the log with the address and the reason', async () => {
    const { lines, ...told } = watch()
    using doors = openDoors({ handshake: 2_000, connect: 2_000 }, told)
    const [one, strict, off] = [await door(), await door({ protocol: 'postgres' }), await door({ target: null })]
    const [gone, closed] = [await door({ target: { host: '127.0.0.1', port: refusingPort } }), await door({ most: 0 })]
    await doors.install([one, strict, off, gone, closed])
    /** Closed by the other side, after these bytes. */
    const end = async (port: number, bytes: Buffer | string = ''): Promise<void> => {
      const socket = await open(port, '127.0.0.2')
      socket.write(bytes)
      if (!socket.destroyed) await once(socket.resume(), 'close')
    }
    await end(one.port)
    await end(one.port, 'GET / HTTP/1.1\r\n\r\n')
    await end(strict.port, startup)
    const distrusts = connectTls({ socket: await open(one.port, '127.0.0.2'), servername: 'app.test' })
    await once(distrusts, 'error')
    const curl = ['-s', '--interface', '127.0.0.2', `https://127.0.0.1:${one.port}`]
    await promisify(execFile)('curl', curl).catch(() => undefined)
    await expect.poll(() => told.counters.doors.failed).toBe(5)
    await end(off.port)
    const secure = connectTls({ port: gone.port, host: '127.0.0.1', rejectUnauthorized: false })
    secure.on('error', () => undefined)
    await once(secure, 'close')
    await end(closed.port)
    await secured(await open(one.port)).then(echoes)
    expect(told.counters.doors).toEqual({ served: 1, refused: 1, failed: 5, unreachable: 2 })
    const info = { level: 30, address: '127.0.0.2', addon: one.addonId }
    const warning = { level: 40, addon: one.addonId }
    expect(lines).toMatchObject([
      { ...info, port: one.port, reason: 'no TLS within 2000 ms' },
      { ...info, port: one.port, reason: 'ERR_SSL_HTTP_REQUEST' },
      { ...info, port: strict.port, reason: 'it wants no TLS' },
      { ...info, port: one.port, reason: 'it left' },
      { ...info, port: one.port, reason: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' },
      { ...warning, port: off.port, address: '127.0.0.2', reason: 'the add-on does not run' },
      { ...warning, port: gone.port, address: '127.0.0.1', reason: 'ECONNREFUSED' },
      { ...info, port: closed.port, reason: '0 connections are open' },
    ])
  })

  it('fills no disk by knocking again and again, and hides nobody who fails otherwise', async () => {
    const { lines, ...told } = watch()
    using doors = openDoors(undefined, told)
    const one = await door({ networks: ['127.0.0.2/32'] })
    await doors.install([one])
    for (let n = 0; n < 300; n++) (await open(one.port)).destroy()
    await expect.poll(() => told.counters.doors.refused).toBe(300)
    expect(lines.length).toBeLessThan(20)
    const other = await open(one.port, '127.0.0.2')
    other.write('GET / HTTP/1.1\r\n\r\n')
    await once(other.resume(), 'close')
    await expect.poll(() => lines.at(-1)).toMatchObject({ address: '127.0.0.2', reason: 'ERR_SSL_HTTP_REQUEST' })
  })
})

describe('a door of PostgreSQL', () => {
  it('opens as its clients ask for it: after a question, after one for GSS, or at once', async () => {
    using doors = openDoors()
    const one = await door({ protocol: 'postgres' })
    await doors.install([one])
    const asked = await open(one.port)
    asked.write(askForTls)
    expect(String(await answerOf(asked))).toBe('S')
    await secured(asked).then(echoes)
    const gss = await open(one.port)
    gss.write(askForGss)
    expect(String(await answerOf(gss))).toBe('N')
    gss.write(askForTls)
    expect(String(await answerOf(gss))).toBe('S')
    await secured(gss).then(echoes)
    const direct = await secured(await open(one.port), { ALPNProtocols: ['postgresql'] })
    expect(direct.alpnProtocol).toBe('postgresql')
    await echoes(direct)
    const slow = await open(one.port)
    for (const byte of askForTls) slow.write(Buffer.from([byte]))
    expect(String(await answerOf(slow))).toBe('S')
  })

  it('tells a client without TLS why it does not', async () => {
    using doors = openDoors()
    const one = await door({ protocol: 'postgres' })
    await doors.install([one])
    const socket = await open(one.port)
    socket.write(startup)
    expect(String(await answerOf(socket))).toMatch(/^E[^]*28000[^]*reached with TLS only/)
  })

  it('believes nothing that was put behind the question', async () => {
    using doors = openDoors()
    const one = await door({ protocol: 'postgres' })
    await doors.install([one])
    const before = served.size
    const socket = await open(one.port)
    socket.write(Buffer.concat([askForTls, startup]))
    expect(String(await answerOf(socket))).toMatch(/^E/)
    expect(served.size).toBe(before)
  })
})

describe('a door of MariaDB', () => {
  const greeting = Buffer.from([1, 0, 0, 0, 10])

  /** A database that greets, and what becomes of its connection then. */
  async function startDatabase(serve: (socket: Socket) => void): Promise<Disposable & { port: number }> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).write(greeting)
      serve(socket)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => void server.close() }
  }

  it('outlives a database that breaks off after it has greeted', async () => {
    const { promise: greeted, resolve: goOn } = Promise.withResolvers<void>()
    using database = await startDatabase((socket) => void greeted.then(() => socket.resetAndDestroy()))
    using doors = openDoors({ handshake: 2_000, connect: 2_000 })
    const one = await door({ protocol: 'mysql', target: { host: '127.0.0.1', port: database.port } })
    await doors.install([one])
    const socket = await open(one.port)
    expect(await answerOf(socket)).toEqual(greeting)
    goOn()
    await once(socket.resume(), 'close')
    expect((await open(one.port)).destroyed).toBe(false)
  })

  it('outlives a database that breaks off while it waits for the visitor to speak TLS', async () => {
    const { promise: isOver, resolve: end } = Promise.withResolvers<void>()
    using database = await startDatabase((socket) => {
      void readMysqlPacket(socket, AbortSignal.timeout(5_000)).then(() => {
        const secure = new TLSSocket(socket, { isServer: true, cert: identity.certificate, key: identity.key })
        secure.once('secure', () => (socket.resetAndDestroy(), end()))
      })
    })
    using doors = openDoors({ handshake: 2_000, connect: 2_000 })
    const one = await door({ protocol: 'mysql', target: { host: '127.0.0.1', port: database.port } })
    await doors.install([one])
    const socket = await open(one.port)
    expect(await answerOf(socket)).toEqual(greeting)
    const login = Buffer.alloc(36)
    login.set([32, 0, 0, 1, 0, 8])
    socket.write(login)
    await isOver
    await once(socket.resume(), 'close')
    expect((await open(one.port)).destroyed).toBe(false)
  })
})
