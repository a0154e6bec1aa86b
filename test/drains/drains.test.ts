import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DrainBuffer } from '../../src/drains/buffer.ts'
import { Drains } from '../../src/drains/drains.ts'
import { createLog } from '../../src/log.ts'
import type { AppLogWriter } from '../../src/model/app-log.ts'
import { openAppLogReader } from '../../src/logs/reader.ts'
import { openAppLogWriter } from '../../src/logs/writer.ts'
import type { Drain } from '../../src/model/drain.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { freePort } from '../helpers/free-port.ts'
import { HttpReceiver, makeCertificate, StreamReceiver } from '../outbound/receiver.ts'
import { TestStore } from '../store/test-store.ts'

const log = createLog('test', 'silent')
let directory: string
let record: TestStore
let logs: AppLogWriter
let positions: Map<string, string>
let drains: Drains

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-drains-'))
  record = new TestStore()
  logs = openAppLogWriter({ directory, log })
  positions = new Map()
  drains = openDrains()
})
afterEach(async () => {
  await drains[Symbol.asyncDispose]()
  await logs[Symbol.asyncDispose]()
  record[Symbol.dispose]()
  await rm(directory, { recursive: true })
})

/** What a worker makes of the record and the log, as often as it starts. */
function openDrains(certificateFiles: string[] = [], allow = ['127.0.0.0/8']): Drains {
  return new Drains({
    store: record.store,
    log,
    logs,
    appLog: openAppLogReader({ directory }),
    outbound: createOutbound({ outbound: { allow }, certificateFiles, httpPort: 8080 }),
    cursors: {
      get: (id) => positions.get(id),
      set: (id, place) => positions.set(id, place),
      keepOnly: () => undefined,
    },
  })
}

function print(text: string, process = 'web.1', source: 'app' | 'heroku' = 'app'): void {
  logs.write(record.app.id, { time: new Date('2026-11-22T11:30:31.964Z'), source, process, text })
}

/** A drain that delivers: a first line has arrived. */
async function add(url: string, text: () => string = () => 'first'): Promise<Drain> {
  const drain = record.store.drains.create({ appId: record.app.id, url })
  drains.sync()
  // The reader begins at the end of the log at some moment from now on.
  await expect.poll(() => (print('first'), text())).toContain('first')
  print('settled')
  await expect.poll(text).toContain('settled')
  return drain
}

async function appLog(pattern: RegExp): Promise<string[]> {
  const found: string[] = []
  const filter = { lines: 1_000_000, follow: false }
  for await (const { process, text } of openAppLogReader({ directory }).read(record.app.id, filter, signal())) {
    if (pattern.test(text)) found.push(`${process}: ${text}`)
  }
  return found
}

const signal = () => AbortSignal.timeout(20_000)

describe('an HTTPS drain', () => {
  it('gets octet-counted syslog in batches that say how many lines they have', async () => {
    await using receiver = await HttpReceiver.start()
    const { token } = await add(`http://user:secret@127.0.0.1:${receiver.port}/logs?key=1`, () => receiver.text)
    const seen = receiver.requests.length
    print('grüße')
    print('at=info method=GET', 'router', 'heroku')
    print('State changed from starting to up', 'web.1', 'heroku')
    await expect.poll(() => receiver.text).toContain('starting to up')
    const bodies = receiver.requests.slice(seen).map(({ body }) => body)
    expect(bodies.join('')).toBe(
      '65 <190>1 2026-11-22T11:30:31.964000+00:00 host app web.1 - grüße\n' +
        '80 <158>1 2026-11-22T11:30:31.964000+00:00 host heroku router - at=info method=GET\n' +
        '94 <134>1 2026-11-22T11:30:31.964000+00:00 host heroku web.1 - State changed from starting to up\n',
    )
    const { headers, path } = receiver.requests.at(-1)!
    expect(path).toBe('/logs?key=1')
    expect(headers).toMatchObject({
      'content-type': 'application/logplex-1',
      'logplex-drain-token': token,
      'logplex-frame-id': expect.stringMatching(/^[\w-]{36}$/),
      authorization: `Basic ${Buffer.from('user:secret').toString('base64')}`,
    })
    for (const { body, headers: sent } of receiver.requests) {
      expect(body.split('\n').length - 1).toBe(Number(sent['logplex-msg-count']))
    }
  })

  it('that fails gets the same batch again with the same id, and the lines after it, each once', async () => {
    await using receiver = await HttpReceiver.start()
    const { id } = await add(`http://user:secret@127.0.0.1:${receiver.port}/key?key=secret`, () => receiver.text)
    let failures = 2
    receiver.answer = (response) => response.writeHead(failures-- > 0 ? 500 : 200).end()
    const seen = receiver.requests.length
    print('one')
    await expect.poll(() => receiver.requests.length).toBe(seen + 2)
    print('two')
    await expect.poll(() => receiver.text).toContain('two')
    const attempts = receiver.requests.slice(seen)
    const ids = attempts.map(({ headers }) => headers['logplex-frame-id'])
    expect(new Set(ids.slice(0, 3)).size).toBe(1)
    expect(
      attempts
        .slice(3)
        .map(({ body }) => body)
        .join(''),
    ).not.toContain('one')
    expect(await appLog(/does not accept lines/)).toEqual([
      `logplex: The drain ${id} (http://127.0.0.1:${receiver.port}) does not accept lines: it answered with status 500. Retrying.`,
    ])
  })

  it('goes on after the last line it took when the worker was away', async () => {
    await using receiver = await HttpReceiver.start()
    await add(`http://127.0.0.1:${receiver.port}/`, () => receiver.text)
    print('before')
    await expect.poll(() => receiver.text).toContain('before')
    await expect.poll(() => positions.size).toBe(1)
    await drains[Symbol.asyncDispose]()
    print('meanwhile')
    drains = openDrains()
    drains.sync()
    print('after')
    await expect.poll(() => receiver.text).toContain('after')
    for (const text of ['before', 'meanwhile', 'after']) expect(receiver.text.split(text).length).toBe(2)
  })

  it('gets nothing more when it is removed', async () => {
    await using receiver = await HttpReceiver.start()
    const { id } = await add(`http://127.0.0.1:${receiver.port}/`, () => receiver.text)
    record.store.drains.remove(id)
    drains.sync()
    print('late')
    await drains[Symbol.asyncDispose]()
    expect(receiver.text).not.toContain('late')
  })

  it('is never led to loopback where the operator does not allow that, and the log says so', async () => {
    await using receiver = await HttpReceiver.start()
    await drains[Symbol.asyncDispose]()
    drains = openDrains([], [])
    record.store.drains.create({ appId: record.app.id, url: `http://127.0.0.1:${receiver.port}/` })
    drains.sync()
    await expect
      .poll(async () => (print('x'), await appLog(/does not accept lines/)))
      .toEqual([expect.stringContaining('is not on the public internet. Retrying.')])
    expect(receiver.requests).toEqual([])
  })
})

describe('a syslog drain', () => {
  it('gets RFC 5424 with its token as the host, and a new connection when the old one ended', async () => {
    await using receiver = await StreamReceiver.start()
    const { token } = await add(`syslog://127.0.0.1:${receiver.port}`, () => receiver.text)
    print('hello')
    const line = `<190>1 2026-11-22T11:30:31.964000+00:00 ${token} app web.1 - - hello\n`
    await expect.poll(() => receiver.text).toContain(`${line.length} ${line}`)
    receiver.sockets[0]?.end()
    await expect.poll(() => (print('again'), receiver.sockets.length)).toBe(2)
    await expect.poll(() => receiver.text).toContain('again')
  })

  it('with TLS trusts the authorities that the environment names, and no others', async () => {
    using tls = makeCertificate()
    await using receiver = await StreamReceiver.start({ tls })
    record.store.drains.create({ appId: record.app.id, url: `syslog+tls://127.0.0.1:${receiver.port}` })
    drains.sync()
    await expect
      .poll(async () => (print('secret'), await appLog(/does not accept lines/)))
      .toEqual([expect.stringContaining('self-signed certificate')])
    expect(receiver.text).toBe('')
    await drains[Symbol.asyncDispose]()
    drains = openDrains([tls.file])
    drains.sync()
    await expect.poll(() => (print('secret'), receiver.text)).toContain('app web.1 - - secret\n')
  })
})

describe('a drain that does not take its lines', () => {
  it('holds nothing up, and the log says how many lines it missed', async () => {
    // So many files that none is removed unread, however busy this machine is.
    await logs[Symbol.asyncDispose]()
    logs = openAppLogWriter({ directory, log, sizes: { segmentBytes: 2 ** 19, segments: 100 } })
    drains = openDrains()
    const port = await freePort()
    record.store.drains.create({ appId: record.app.id, url: `http://127.0.0.1:${port}/` })
    drains.sync()
    await expect.poll(async () => (print('first'), (await appLog(/does not accept lines/)).length)).toBe(1)
    await printMany(20_000, 'x'.repeat(1000))
    await using receiver = await HttpReceiver.start(port)
    await expect.poll(() => receiver.text.includes(' 19999\n')).toBe(true)
    await drains[Symbol.asyncDispose]()
    const notices = await until(() => appLog(/L10/))
    const pattern =
      /^logplex: Error L10 \(output buffer overflow\): (\d+) messages dropped since 20\S+\+00:00\. The drain [\da-f-]{36} \(http:\/\/127\.0\.0\.1:\d+\) does not keep up: /
    const dropped = notices.reduce((sum, notice) => sum + Number(pattern.exec(notice)?.[1]), 0)
    const received = receiver.text.split('xx ').length - 1
    expect(received).toBeGreaterThan(900)
    // Some lines beside the 20,000 may be among the dropped.
    expect(dropped + received - 20_000).toBeLessThan(20)
    expect(dropped + received).toBeGreaterThanOrEqual(20_000)
  })

  it('quickly gets all the same what the log still holds, each line once', async () => {
    await using receiver = await HttpReceiver.start()
    await add(`http://127.0.0.1:${receiver.port}/`, () => receiver.text)
    receiver.answer = (response) => void setTimeout(() => response.writeHead(200).end(), 20)
    await printMany(4000, 'y'.repeat(900))
    await expect.poll(() => receiver.text.endsWith(' 3999\n')).toBe(true)
    const numbers = [...receiver.text.matchAll(/y (\d+)\n/g)].map(([, number]) => Number(number))
    expect(numbers).toEqual(Array.from({ length: 4000 }, (_, number) => number))
    expect(await appLog(/L10/)).toEqual([])
  })

  it('because it never reads holds no end up, and the log says that it missed lines', async () => {
    await using receiver = await StreamReceiver.start({ reads: false })
    record.store.drains.create({ appId: record.app.id, url: `syslog://127.0.0.1:${receiver.port}` })
    drains.sync()
    await expect.poll(() => (print('first'), receiver.sockets.length)).toBe(1)
    await printMany(40_000, 'x'.repeat(500))
    await drains[Symbol.asyncDispose]()
    expect((await until(() => appLog(/L10/))).length).toBeGreaterThan(0)
  })
})

it('the lines that wait for a drain take no more than its share: the oldest go, and are counted', () => {
  let dropped = 0
  const shared = { size: 0, limit: 2 ** 30 }
  const buffer = new DrainBuffer({ own: 2 ** 16, shared }, (count) => (dropped += count))
  const line = { time: new Date(), source: 'app', process: 'web.1', position: '' } as const
  for (let n = 0; n < 1000; n++) buffer.push({ ...line, text: `${n} `.padEnd(900, 'x') })
  expect(shared.size).toBeLessThan(2 ** 16 + 1000)
  const kept = buffer.take({ count: Infinity, size: Infinity })
  expect(kept.length + dropped).toBe(1000)
  expect(kept[0]?.text).toMatch(new RegExp(`^${dropped} `))
})

/** As many lines as the log itself takes without a loss, in portions that it can hold. */
async function printMany(count: number, text = 'many'): Promise<void> {
  for (let start = 0; start < count; start += 1000) {
    for (let n = start; n < start + 1000; n++) print(`${text} ${n}`)
    await expect.poll(lastLine, { interval: 5 }).toMatch(new RegExp(`( ${start + 999}|L10.*)$`))
  }
}

async function lastLine(): Promise<string> {
  const filter = { lines: 1, follow: false }
  for await (const { text } of openAppLogReader({ directory }).read(record.app.id, filter, signal())) return text
  return ''
}

async function until(look: () => Promise<string[]>): Promise<string[]> {
  await expect.poll(async () => (await look()).length).toBeGreaterThan(0)
  return look()
}
