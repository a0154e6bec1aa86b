import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLog } from '../../src/log.ts'
import type { AppLogWriter, LogFilter, ReadLine } from '../../src/model/app-log.ts'
import { openAppLogReader } from '../../src/logs/reader.ts'
import { openAppLogWriter } from '../../src/logs/writer.ts'
import { newId, type AppId } from '../../src/model/ids.ts'

const log = createLog('test', 'silent')
const never = new AbortController().signal
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-logs-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

function print(writer: AppLogWriter, appId: AppId, text: string, process = 'web.1'): void {
  writer.write(appId, { time: new Date(), source: 'app', process, text })
}

async function readAll(appId: AppId, filter: Partial<LogFilter> = {}): Promise<ReadLine[]> {
  const lines: ReadLine[] = []
  const reader = openAppLogReader({ directory })
  for await (const line of reader.read(appId, { lines: 1_000_000, follow: false, ...filter }, never)) lines.push(line)
  return lines
}

async function texts(appId: AppId, filter: Partial<LogFilter> = {}): Promise<string[]> {
  return (await readAll(appId, filter)).map(({ text }) => text)
}

/** Writes with a writer of its own, as another process would, and waits until it is on disk. */
async function written(appId: AppId, work: (writer: AppLogWriter) => void, sizes = {}): Promise<void> {
  await using writer = openAppLogWriter({ directory, log, ...sizes })
  work(writer)
}

describe('an app log', () => {
  it('gives back what was written, in logplex form on disk', async () => {
    const appId = newId<AppId>()
    const time = new Date('2026-11-22T11:30:31.964Z')
    await written(appId, (writer) =>
      writer.write(appId, { time, source: 'heroku', process: 'router', text: 'at=info' }),
    )
    expect(await readAll(appId)).toMatchObject([{ time, source: 'heroku', process: 'router', text: 'at=info' }])
    const file = await readFile(join(directory, appId, '00000001.log'), 'utf8')
    expect(file).toBe('2026-11-22T11:30:31.964000+00:00 heroku[router]: at=info\n')
  })

  it('gives the last lines only, oldest first, and goes on after a restart of the writer', async () => {
    const appId = newId<AppId>()
    await written(appId, (writer) => ['one', 'two', 'three'].forEach((text) => print(writer, appId, text)))
    await written(appId, (writer) => print(writer, appId, 'four'))
    expect(await texts(appId, { lines: 2 })).toEqual(['three', 'four'])
    expect(await texts(appId, { lines: 0 })).toEqual([])
  })

  it('filters by source and by process or its type', async () => {
    const appId = newId<AppId>()
    await written(appId, (writer) => {
      print(writer, appId, 'a', 'web.1')
      print(writer, appId, 'b', 'web.2')
      print(writer, appId, 'c', 'webhooks.1')
      writer.write(appId, { time: new Date(), source: 'heroku', process: 'web.1', text: 'd' })
    })
    expect(await texts(appId, { process: 'web' })).toEqual(['a', 'b', 'd'])
    expect(await texts(appId, { process: 'web.1' })).toEqual(['a', 'd'])
    expect(await texts(appId, { process: 'web.1', source: 'app' })).toEqual(['a'])
  })

  it('keeps colours and tabs but no other control characters, and makes lines of newlines', async () => {
    const appId = newId<AppId>()
    const hostile = '\x1b[31mred\x1b[0m\t\x1b[2J\x1b]0;title\x07\x1b[?25m\x9b1m\x00\x07end\r\nnext\rlast'
    await written(appId, (writer) => print(writer, appId, hostile))
    expect(await texts(appId)).toEqual(['\x1b[31mred\x1b[0m\tend', 'next', 'last'])
  })

  it('makes no empty line of a CR, wherever it stands, and keeps those that are empty', async () => {
    const appId = newId<AppId>()
    const printed = ['windows\r', '\r10%\r\r100%\r\r', '', '\r', 'two\r\nlines\r\n', 'a\n\nb']
    await written(appId, (writer) => printed.forEach((text) => print(writer, appId, text)))
    expect(await texts(appId)).toEqual(['windows', '10%', '100%', '', '', 'two', 'lines', 'a', '', 'b'])
  })

  it('cannot be made to show a line of somebody else', async () => {
    const appId = newId<AppId>()
    const forged = 'x\n2026-11-22T11:30:31.964000+00:00 heroku[api]: forged'
    await written(appId, (writer) => print(writer, appId, forged, 'web.1]: heroku[api'))
    expect((await readAll(appId)).map(({ source, process }) => `${source}[${process}]`)).toEqual([
      'app[web.1___heroku_api]',
      'app[web.1___heroku_api]',
    ])
  })

  it('splits an endless line at 10,000 bytes, never inside a character', async () => {
    const appId = newId<AppId>()
    const endless = '€'.repeat(100_000)
    await written(appId, (writer) => print(writer, appId, endless))
    const lines = await texts(appId)
    expect(lines.length).toBe(31)
    expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(10_000)
    expect(lines.join('')).toBe(endless)
  })

  it('takes binary output', async () => {
    const appId = newId<AppId>()
    const noise = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7919 + (index >> 3)) & 0xff))
    await written(appId, (writer) => print(writer, appId, noise.toString()))
    // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
    expect((await texts(appId)).filter((text) => /[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f]/.test(text))).toEqual([])
  })

  it('holds at most 1 MiB and one batch of a burst of 32 MB in memory, and counts the lines it dropped', async () => {
    const appId = newId<AppId>()
    const line = 'x'.repeat(1000)
    await written(appId, (writer) => {
      for (let index = 0; index < 32_000; index++) print(writer, appId, line)
    })
    const lines = await readAll(appId)
    const notice = lines.at(-1)
    expect(notice).toMatchObject({ source: 'heroku', process: 'logplex' })
    const dropped = Number(
      /^Error L10 \(output buffer overflow\): (\d+) messages dropped/.exec(notice?.text ?? '')?.[1],
    )
    expect(dropped + lines.length - 1).toBe(32_000)
    expect(lines.length).toBeLessThan(1300)
  })

  it('keeps four segments and removes the oldest', async () => {
    const appId = newId<AppId>()
    const writer = openAppLogWriter({ directory, log })
    await using _ = writer
    const fill = () => {
      for (let index = 0; index < 500; index++) print(writer, appId, 'y'.repeat(1000))
    }
    fill()
    let seen = 0
    for await (const _line of openAppLogReader({ directory }).read(appId, { lines: 1000, follow: true }, never)) {
      if (++seen === 16_000) break
      if (seen % 500 === 0) fill()
    }
    const names = (await readdir(join(directory, appId))).sort()
    expect(names.length).toBe(4)
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, appId, name))).size))
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(9 * 2 ** 20)
  })

  it('is left out of memory and of disk when the app is removed, and late lines do not bring it back', async () => {
    const appId = newId<AppId>()
    await using router = openAppLogWriter({ directory, log })
    await using worker = openAppLogWriter({ directory, log })
    print(router, appId, 'before')
    const lines = openAppLogReader({ directory }).read(appId, { lines: 9, follow: true }, never)[Symbol.asyncIterator]()
    expect((await lines.next()).value).toMatchObject({ text: 'before' })
    await worker.remove(appId)
    print(router, appId, 'late')
    await router[Symbol.asyncDispose]()
    expect(await lines.next()).toMatchObject({ done: true })
    expect(await readdir(directory)).not.toContain(appId)
  })

  it('says how many lines were lost while it could not be written', async () => {
    const appId = newId<AppId>()
    const blocked = join(directory, 'blocked')
    await writeFile(blocked, '')
    const warned = Promise.withResolvers<string>()
    const warning = pino({ level: 'warn' }, { write: warned.resolve })
    await using writer = openAppLogWriter({ directory: blocked, log: warning })
    print(writer, appId, 'lost')
    expect(await warned.promise).toContain('app log cannot be written')
    await rm(blocked)
    print(writer, appId, 'kept')
    await writer[Symbol.asyncDispose]()
    const kept: string[] = []
    const reader = openAppLogReader({ directory: blocked })
    for await (const { text } of reader.read(appId, { lines: 9, follow: false }, never)) kept.push(text)
    expect(kept).toEqual([
      'kept',
      expect.stringMatching(/^Error L10 \(log cannot be written: ENOTDIR\): 1 messages dropped/),
    ])
  })
})

describe('following an app log', () => {
  it('gives each line of two processes once, across rotations, to a reader that came before the first line', async () => {
    const appId = newId<AppId>()
    const stop = new AbortController()
    const seen = new Map<string, number>()
    const reader = openAppLogReader({ directory })
    const following = (async () => {
      for await (const { text } of reader.read(appId, { lines: 10, follow: true }, stop.signal)) {
        seen.set(text, (seen.get(text) ?? 0) + 1)
        if (seen.size === 4000) stop.abort()
      }
    })()
    await Promise.all(['a', 'b'].map((name) => writeFromProcess(appId, name, 2000)))
    await following
    expect([...seen.values()].every((count) => count === 1)).toBe(true)
    expect(seen.size).toBe(4000)
  })

  it('reads on after a position, nothing lost and nothing twice', async () => {
    const appId = newId<AppId>()
    const sizes = { sizes: { segmentBytes: 4096, segments: 50 } }
    for (let round = 0; round < 5; round++) {
      await written(
        appId,
        (writer) => {
          for (let index = 0; index < 40; index++) print(writer, appId, `${round * 40 + index} ${'z'.repeat(100)}`)
        },
        sizes,
      )
    }
    const all = await readAll(appId)
    expect(all.length).toBe(200)
    for (const cut of [0, 1, 39, 40, 41, 120, 199]) {
      const rest = await texts(appId, { after: all[cut]?.position ?? '' })
      expect(rest).toEqual(all.slice(cut + 1).map(({ text }) => text))
    }
    expect((await texts(appId, { after: 'nonsense' })).length).toBe(200)
  })

  it('gives a batch that a slow writer added to the segment before the newest', async () => {
    const appId = newId<AppId>()
    const sizes = { sizes: { segmentBytes: 10, segments: 9 } }
    await written(appId, (writer) => print(writer, appId, 'one'), sizes)
    await written(appId, (writer) => print(writer, appId, 'two'), sizes)
    const lines = openAppLogReader({ directory }).read(appId, { lines: 9, follow: true }, never)[Symbol.asyncIterator]()
    expect([(await lines.next()).value.text, (await lines.next()).value.text]).toEqual(['one', 'two'])
    const late = '2026-11-22T11:30:31.964000+00:00 app[web.1]: late\n'
    await appendFile(join(directory, appId, '00000001.log'), late)
    expect((await lines.next()).value).toMatchObject({ text: 'late', position: expect.stringMatching(/^1:\d+-2:\d+$/) })
    await lines.return?.()
  })

  it('goes on with the oldest line that is kept when it was slower than the log', async () => {
    const appId = newId<AppId>()
    const sizes = { sizes: { segmentBytes: 10, segments: 2 } }
    await written(appId, (writer) => print(writer, appId, 'first'), sizes)
    const lines = openAppLogReader({ directory }).read(appId, { lines: 9, follow: true }, never)[Symbol.asyncIterator]()
    expect((await lines.next()).value).toMatchObject({ text: 'first' })
    for (let n = 1; n <= 6; n++) await written(appId, (writer) => print(writer, appId, `later ${n}`), sizes)
    expect([(await lines.next()).value.text, (await lines.next()).value.text]).toEqual(['later 5', 'later 6'])
    await lines.return?.()
  })

  it('passes over half a line that a crash left', async () => {
    const appId = newId<AppId>()
    await written(appId, (writer) => print(writer, appId, 'whole'))
    await appendFile(join(directory, appId, '00000001.log'), '2026-11-22T11:3')
    expect(await texts(appId)).toEqual(['whole'])
    await written(appId, (writer) => print(writer, appId, 'next'))
    expect(await texts(appId)).toEqual(['whole', 'next'])
  })

  it('ends when its signal is aborted', async () => {
    const stop = new AbortController()
    const reader = openAppLogReader({ directory }).read(newId<AppId>(), { lines: 1, follow: true }, stop.signal)
    const next = reader[Symbol.asyncIterator]().next()
    setImmediate(() => stop.abort())
    expect(await next).toEqual({ done: true, value: undefined })
  })
})

/** A process of its own that writes `count` lines through a log of small segments, at most what one channel holds at a time. */
async function writeFromProcess(appId: AppId, name: string, count: number): Promise<void> {
  const script = `
    const { openAppLogWriter } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/logs/writer.ts'))})
    const { createLog } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/log.ts'))})
    const { setImmediate } = await import('node:timers/promises')
    const sizes = { segmentBytes: 64 * 1024, segments: 40 }
    const writer = openAppLogWriter({ directory: ${JSON.stringify(directory)}, log: createLog('x'), sizes })
    for (let n = 0; n < ${count}; n++) {
      writer.write('${appId}', { time: new Date(), source: 'app', process: 'web.1', text: '${name} ' + n + ' ' + 'q'.repeat(200) })
      if (n % 20 === 0) for (let turn = 0; turn < 200; turn++) await setImmediate()
    }
    await writer[Symbol.asyncDispose]()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
}
