import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newId, type BuildId } from '../../src/model/ids.ts'
import { createOutputReader } from '../../src/output/reader.ts'
import type { OutputWriters, OutputReader } from '../../src/model/output.ts'
import { openOutputWriters } from '../../src/output/writer.ts'
import { canMount, SmallDisk } from '../helpers/small-disk.ts'
import { TestRedis } from '../queue/redis-server.ts'

describe("a build's output", () => {
  let redis: TestRedis
  let writers: OutputWriters
  let reader: OutputReader & AsyncDisposable
  let directory: string
  const id = newId<BuildId>()

  beforeEach(async () => {
    redis = await TestRedis.start()
    directory = join(redis.directory, 'builds')
    writers = openOutputWriters({ ...redis.deps, directory })
    reader = createOutputReader({ ...redis.deps, directory })
  })
  afterEach(async () => {
    await reader[Symbol.asyncDispose]()
    await writers[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })

  it('reaches readers who came before the first byte, in the middle and after the end', async () => {
    const early = collect(reader, id)
    await using writer = writers.open(id)
    writer.write('-----> Node.js app detected\n')
    await expect.poll(() => early.text()).toContain('detected')
    const middle = collect(reader, id)
    writer.write('       größer ✓\n')
    await writer.end()
    const late = collect(reader, id)
    const whole = '-----> Node.js app detected\n       größer ✓\n'
    for (const each of [early, middle, late]) expect(await each.ended).toBe(whole)
    expect(readFileSync(join(directory, `${id}.log`), 'utf8')).toBe(whole)
  })

  it('can be read from any byte, and says where each chunk begins', async () => {
    await using writer = writers.open(id)
    writer.write('0123456789')
    await turn()
    const live = collect(reader, id, 4)
    await expect.poll(() => live.text()).toBe('456789')
    writer.write('abc')
    await writer.end()
    expect(await live.ended).toBe('456789abc')
    expect(live.offsets).toEqual([4, 10])
    expect(await collect(reader, id, 13).ended).toBe('')
  })

  it('reaches a reader over Redis as it is written, each line before the next', async () => {
    const withoutFiles = join(redis.directory, 'none')
    await using blind = createOutputReader({ ...redis.deps, directory: withoutFiles })
    await using other = writers.open(newId<BuildId>())
    const says = async () => (other.write('until the writers are connected\n'), redis.command('DBSIZE'))
    await expect.poll(says).toBe(1)
    await using writer = writers.open(id)
    const stop = new AbortController()
    let arrived = Promise.withResolvers<void>()
    const live = collect(blind, id, 0, () => arrived.resolve(), stop.signal)
    for (let n = 1; n <= 50; n++) {
      arrived = Promise.withResolvers<void>()
      writer.write(`line ${n}\n`)
      await arrived.promise
    }
    expect(live.text()).toBe(Array.from({ length: 50 }, (_, n) => `line ${n + 1}\n`).join(''))
    stop.abort()
    await expect(live.ended).rejects.toBe(stop.signal.reason)
  })

  it('serves many readers over two connections', async () => {
    await using writer = writers.open(id)
    const other = newId<BuildId>()
    await using second = writers.open(other)
    const readers = [...Array.from({ length: 100 }, () => collect(reader, id)), collect(reader, other)]
    writer.write('to all\n')
    second.write('to one\n')
    await expect.poll(() => readers.map((each) => each.text())).not.toContain('')
    const clients = String(await redis.command('CLIENT', 'LIST'))
      .trim()
      .split('\n')
    expect(clients.length).toBeLessThanOrEqual(4)
    await writer.end()
    await second.end()
    const texts = await Promise.all(readers.map((each) => each.ended))
    expect(texts).toEqual([...Array.from({ length: 100 }, () => 'to all\n'), 'to one\n'])
  })

  it('loses nothing when Redis is wiped in the middle', async () => {
    await using writer = writers.open(id)
    const live = collect(reader, id)
    writer.write('before\n')
    await expect.poll(() => live.text()).toBe('before\n')
    await redis.command('FLUSHALL')
    writer.write('after\n')
    await writer.end()
    expect(await live.ended).toBe('before\nafter\n')
    await redis.command('FLUSHALL')
    expect(await collect(reader, id).ended).toBe('before\nafter\n')
  })

  it('goes on while Redis is down and after it came back', async () => {
    await using writer = writers.open(id)
    const live = collect(reader, id)
    writer.write('one\n')
    await expect.poll(() => live.text()).toBe('one\n')
    await redis.stop()
    writer.write('two\n')
    await expect.poll(() => live.text()).toBe('one\ntwo\n')
    await redis.start()
    writer.write('three\n')
    await expect.poll(() => live.text()).toBe('one\ntwo\nthree\n')
    await writer.end()
    expect(await live.ended).toBe('one\ntwo\nthree\n')
  })

  it.skipIf(!canMount)(
    'that a full disk took in part only is shown so far, and goes on when there is room',
    async () => {
      using disk = new SmallDisk({ mebibytes: 16, inodes: 100 })
      const place = { ...redis.deps, directory: join(disk.path, 'builds') }
      await using onDisk = openOutputWriters(place)
      await using fromDisk = createOutputReader(place)
      await using writer = onDisk.open(id)
      const live = collect(fromDisk, id)
      // Ends in the last quarter of a page, whose blocks are then all the file's.
      const before = '.'.repeat(3500)
      writer.write(before)
      await expect.poll(() => live.text()).toBe(before)
      disk.fill()
      writer.write('x'.repeat(10_000))
      await expect.poll(() => live.text()).toMatch(/^\.+x+$/)
      disk.empty()
      writer.write('\nafter\n')
      await writer.end()
      const shown = await live.ended
      expect(shown).toMatch(/^\.+x+\nafter\n$/)
      expect(readFileSync(join(disk.path, 'builds', `${id}.log`), 'utf8')).toBe(shown)
    },
  )

  it('is continued by a second attempt of the build', async () => {
    const live = collect(reader, id)
    {
      await using first = writers.open(id)
      first.write('-----> Installing\n')
    }
    await using second = writers.open(id)
    second.write('-----> The build began again\n')
    await second.end()
    expect(await live.ended).toBe('-----> Installing\n-----> The build began again\n')
  })

  it('comes whole to a reader who is slower than the build', async () => {
    await using writer = writers.open(id)
    const lines = Array.from({ length: 5000 }, (_, n) => `line ${n} ${'x'.repeat(n % 300)}\n`)
    const slow = collect(reader, id, 0, turn)
    for (const [n, line] of lines.entries()) {
      writer.write(line)
      if (n % 7 === 0) await turn()
    }
    writer.write('y'.repeat(100_000))
    await writer.end()
    expect(await slow.ended).toBe(lines.join('') + 'y'.repeat(100_000))
  })

  it('can be ended by somebody else, with last words, once', async () => {
    const live = collect(reader, id)
    await writers.close(id, ' !     superseded\n')
    await writers.close(id, ' !     superseded\n')
    expect(await live.ended).toBe(' !     superseded\n')
  })

  it('lets go of a reader whose signal is aborted', async () => {
    const leaving = new AbortController()
    const live = collect(reader, id, 0, () => undefined, leaving.signal)
    leaving.abort(new Error('client went away'))
    await expect(live.ended).rejects.toThrow('client went away')
  })
})

/** Reads in the background and remembers what came. */
function collect(
  reader: OutputReader,
  id: BuildId,
  offset = 0,
  onChunk: () => unknown = () => undefined,
  signal: AbortSignal = new AbortController().signal,
) {
  const chunks: Buffer[] = []
  const offsets: number[] = []
  const text = () => Buffer.concat(chunks).toString()
  const ended = (async () => {
    for await (const chunk of reader.read(id, offset, signal)) {
      chunks.push(chunk.bytes)
      offsets.push(chunk.offset)
      await onChunk()
    }
    return text()
  })()
  ended.catch(() => undefined)
  return { text, offsets, ended }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
