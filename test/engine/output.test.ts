import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OutputLine } from '../../src/engine/engine.ts'
import { docker, never, testEngine, type TestEngine } from './support.ts'

let server: TestEngine
beforeAll(async () => {
  server = await testEngine()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

const oneOff = (command: string) => server.dyno(command, { name: 'run.1', type: 'run', restart: false })
const follow = (id: string, since?: string, signal = never) =>
  server.engine.dynoOutput(id, { follow: true, ...(since === undefined ? {} : { since }) }, signal)
const texts = (lines: OutputLine[]) => lines.map(({ text }) => text.toString())

async function take(lines: AsyncIterable<OutputLine>, count: number) {
  const taken: OutputLine[] = []
  for await (const line of lines) if (taken.push(line) === count) break
  return taken
}

describe('the output of a dyno', () => {
  it('comes in order, by stream, while it is printed, and ends with the dyno', async () => {
    const before = new Date()
    const { id } = await oneOff('echo one; sleep 0.1; echo two >&2; sleep 0.1; printf three')
    const lines = await Array.fromAsync(follow(id))
    expect(lines.map(({ stream, text }) => [stream, text.toString()])).toEqual([
      ['stdout', 'one'],
      ['stderr', 'two'],
      ['stdout', 'three'],
    ])
    const times = [before, ...lines.map(({ time }) => time), new Date()].map((time) => time.getTime())
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })

  it('goes on exactly after a cursor, even in the middle of a millisecond', async () => {
    const { id } = await oneOff('for i in {1..5000}; do echo $i; done')
    const all = await Array.fromAsync(follow(id))
    expect(texts(all)).toEqual(Array.from({ length: 5000 }, (_, index) => String(index + 1)))
    const same = all.findIndex((line, index) => index > 0 && line.time.getTime() === all[index - 1]!.time.getTime())
    expect(same).toBeGreaterThan(0)
    for (const index of [0, same - 1, 2500, 4998]) {
      expect(texts(await take(follow(id, all[index]!.cursor), 1))).toEqual([String(index + 2)])
    }
    expect(await Array.fromAsync(follow(id, all.at(-1)!.cursor))).toEqual([])
  })

  it('goes on over the restarts of the dyno', async () => {
    const { id } = await server.dyno('echo $RANDOM-$$; exit 1')
    const lines = await take(follow(id), 4)
    expect(new Set(lines.map(({ cursor }) => cursor)).size).toBe(4)
    await server.engine.stopDyno(id, 0)
  })

  it('ends when the dyno is removed while the engine holds it back', async () => {
    const { id } = await server.dyno('echo up; exit 1')
    const reading = Array.fromAsync(follow(id))
    await expect.poll(async () => (await server.engine.findDyno(id))?.restarts).toBeGreaterThan(2)
    await server.engine.stopDyno(id, 0)
    expect((await reading).length).toBeGreaterThan(1)
  })

  it('that is not followed ends at once', async () => {
    const { id } = await server.dyno('echo up; sleep 1000')
    await take(follow(id), 1)
    expect(texts(await Array.fromAsync(server.engine.dynoOutput(id, { follow: false }, never)))).toEqual(['up'])
  })

  it('of a dyno that is not there is none', async () => {
    expect(await Array.fromAsync(follow('0'.repeat(64)))).toEqual([])
  })

  it('ends with the reason of an abort', async () => {
    const { id } = await server.dyno('echo up; sleep 1000')
    const abort = new AbortController()
    const reading = (async () => {
      for await (const _ of follow(id, undefined, abort.signal)) abort.abort('enough')
    })()
    await expect(reading).rejects.toBe('enough')
  })

  it('in one endless line comes in pieces', async () => {
    const { id } = await oneOff(`head -c 1000000 /dev/zero | tr '\\0' x`)
    const lines = await Array.fromAsync(follow(id))
    expect(lines.map(({ text }) => text.length)).toEqual([...Array<number>(15).fill(65_536), 1_000_000 - 15 * 65_536])
    expect((await Array.fromAsync(follow(id, lines[13]!.cursor))).map(({ text }) => text.length)).toEqual(
      lines.slice(14).map(({ text }) => text.length),
    )
  })

  it('in a burst of 32 MB neither fills the disk nor the memory of a slow reader', async () => {
    const { id } = await oneOff(`yes ${'0123456789'.repeat(160)} | head -c 33554432`)
    const before = process.memoryUsage().rss
    let lines = 0
    for await (const _ of follow(id)) {
      if (++lines % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(lines).toBeGreaterThan(10_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20)
    const log = await docker('inspect', '--format', '{{.LogPath}} {{json .HostConfig.LogConfig}}', id)
    expect(log).toContain('{"max-file":"5","max-size":"10m"}')
  })
})
