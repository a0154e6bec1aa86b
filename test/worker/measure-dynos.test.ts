import type { DynoFigures, FigureEntry } from '../../src/model/figures.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLog } from '../../src/log.ts'
import { DynoMeter } from '../../src/worker/measure-dynos.ts'
import { testEngine, type TestEngine } from '../engine/support.ts'

const mebibyte = 2 ** 20

let docker: TestEngine
beforeAll(async () => {
  docker = await testEngine()
})
afterAll(() => docker[Symbol.asyncDispose]())

/** Holds 40 MiB and keeps a core as busy as it may. */
const hungry = `exec perl -e '$m = "x" x (40 * 1048576); 1 while 1'`

describe('the dyno meter', () => {
  it('adds up memory and CPU of what runs, and says in which state all dynos are', async () => {
    const entries: FigureEntry[] = []
    const figures = { write: (_: unknown, entry: FigureEntry) => void entries.push(entry) }
    const meter = new DynoMeter({ engine: docker.engine, figures, log: createLog('test', 'silent') })
    const busy = await docker.dyno(hungry)
    await docker.dyno('sleep 1000', { name: 'worker.1', type: 'worker' })
    const done = await docker.dyno('true', { name: 'run.1', type: 'run', restart: false })
    await docker.engine.waitDyno(done.id, new AbortController().signal)

    await expect.poll(() => look(meter, entries).then(({ memory }) => memory)).toBeGreaterThan(40 * mebibyte)
    const { count, memory, largest, cpu } = await look(meter, entries)
    expect(count).toBe(2)
    expect(largest).toBeGreaterThan(40 * mebibyte)
    expect(memory).toBeGreaterThan(largest)
    expect(memory).toBeLessThan(100 * mebibyte)
    expect(cpu).toBeGreaterThan(0.05)
    expect(cpu).toBeLessThan(1.5)
    expect(meter.apps.get(docker.appId)?.states).toEqual({ running: 2, exited: 1 })
    expect(await docker.engine.dynoUsage(done.id)).toBeUndefined()
    expect(await docker.engine.dynoUsage('0'.repeat(64))).toBeUndefined()
    await docker.engine.stopDyno(busy.id, 0)
  })
})

async function look(meter: DynoMeter, entries: FigureEntry[]): Promise<DynoFigures> {
  await meter.look()
  const last = entries.at(-1)
  if (last === undefined || !('dynos' in last)) throw new Error('nothing was written')
  return last.dynos
}
