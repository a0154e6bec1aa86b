import type { FigureEntry } from '../../src/model/figures.ts'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLog } from '../../src/log.ts'
import { figureFile } from '../../src/metrics/figure-files.ts'
import { readFigures } from '../../src/metrics/figure-reader.ts'
import { FigureWriter } from '../../src/metrics/figure-writer.ts'
import { parseEntry } from '../../src/metrics/parse-entry.ts'
import { makeReport, spanOf } from '../../src/metrics/report.ts'
import { tidyFigures } from '../../src/metrics/tidy-figures.ts'
import { RequestTally } from '../../src/metrics/request-tally.ts'
import type { AppId } from '../../src/model/ids.ts'

const log = createLog('test', 'silent')
const app = 'app-1' as AppId
/** Half past an hour. */
const now = 29_700_030

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-figures-'))
})
afterEach(() => rm(directory, { recursive: true }))

const read = (from: number, to: number) => readFigures({ directory, log }, app, { from, to })

const tidy = (...others: string[]) =>
  tidyFigures(directory, { exists: (id) => [app as string, ...others].includes(id), now, log })

function requests(
  minute: number,
  ...ended: [status: number, milliseconds?: number | undefined, code?: string][]
): FigureEntry {
  const tally = new RequestTally()
  for (const [status, milliseconds, code] of ended) {
    const times = milliseconds === undefined ? undefined : { connect: 0, service: milliseconds }
    tally.record({ status, code, bytes: 10, times })
  }
  return { minute, requests: tally.figures() }
}

const dynos = (minute: number, memory: number, cpu: number | null): FigureEntry => ({
  minute,
  dynos: { count: 2, memory, largest: memory / 2, cpu },
})

async function write(...entries: FigureEntry[]): Promise<void> {
  await using writer = new FigureWriter({ directory, log })
  for (const entry of entries) writer.write(app, entry)
}

describe('figures', () => {
  it('of several writers are read together, of the minutes asked for only', async () => {
    const entries = [now - 61, now - 60, now - 31, now].map((minute) => requests(minute, [200, 5]))
    await Promise.all(entries.map((entry) => write(entry)))
    const minutes = (await read(now - 60, now)).map(({ minute }) => minute)
    expect(minutes.toSorted((a, b) => a - b)).toEqual([now - 60, now - 31, now])
    expect(await read(now + 1, now + 60)).toEqual([])
  })

  it('of one kind are read without the others', async () => {
    await write(requests(now, [200, 5]), dynos(now, 100, null))
    const only = (kind: 'requests' | 'dynos') =>
      readFigures({ directory, log }, app, { from: now, to: now, only: kind })
    expect(await only('requests')).toEqual([requests(now, [200, 5])])
    expect(await only('dynos')).toEqual([dynos(now, 100, null)])
  })

  it('are read on behind damage: torn lines, binary rubbish, figures that cannot be', async () => {
    const file = figureFile(directory, app, now)
    await write(requests(now, [200, 5]))
    await appendFile(file, '\n{"minute":29700030,"requests":{"statu')
    await write(requests(now, [200, 5]))
    await appendFile(file, Buffer.from([10, 0, 255, 254, 10]))
    const impossible = { minute: now, requests: { statuses: [0, -5, 0, 0, 0], codes: {}, bytes: 0, latency: {} } }
    await appendFile(file, `\n${JSON.stringify(impossible)}\n{"minute":1e999}\nnull\n[]`)
    await write(dynos(now, 100, null))
    expect(await read(now, now)).toEqual([requests(now, [200, 5]), requests(now, [200, 5]), dynos(now, 100, null)])
  })

  it('that cannot be read are a gap', async () => {
    await write(requests(now, [200, 5]))
    await mkdir(figureFile(directory, app, now - 60))
    expect(await read(now - 60, now)).toHaveLength(1)
  })

  it('that cannot be written wait, and of too many the oldest are lost and counted', async () => {
    await writeFile(join(directory, app), 'in the way')
    const writer = new FigureWriter({ directory, log })
    const entry = requests(now, ...Array.from({ length: 180 }, (_, i): [number, number] => [200, 2 ** (i / 9)]))
    const count = Math.ceil(2 ** 20 / JSON.stringify(entry).length) + 20
    for (let i = 0; i < count; i++) writer.write(app, entry)
    expect(writer.dropped).toBeGreaterThanOrEqual(19)
    await rm(join(directory, app))
    await writer[Symbol.asyncDispose]()
    expect((await read(now, now)).length).toBe(count - writer.dropped)
  })

  it('are condensed after a day, removed after a week, and at once when their app is gone', async () => {
    const hours = [-200, -169, -30, -26, -25, 0].map((hour) => now + hour * 60)
    for (const minute of hours) {
      await write(requests(minute, [200, 5]), requests(minute + 1, [200, 20], [503, 30_000, 'H12']))
      await write(dynos(minute, 100, 0.25), dynos(minute + 1, 300, 0.75))
    }
    await mkdir(join(directory, 'gone'))
    await tidy()
    expect(await readdir(directory)).toEqual([app])
    expect(await readdir(join(directory, app))).toHaveLength(5)
    const before = makeReport(await read(now - 30 * 60, now - 29 * 60), spanOf('hour', now - 29 * 60 - 1, now))
    expect(before.points).toHaveLength(2)
    expect(before.totals).toMatchObject({
      requests: 3,
      statuses: [0, 2, 0, 0, 1],
      codes: { H12: 1 },
      dynos: { count: 2, memory: 300, largest: 150, cpu: 0.5 },
    })
    expect(Math.abs(before.totals.latency!.p99 / 30_000 - 1)).toBeLessThan(0.05)
    expect(await read(now - 30 * 60, now - 29 * 60)).toHaveLength(2)
  })

  it('that a crash left beside what they became are not counted twice', async () => {
    const old = now - 26 * 60
    await write(requests(old, [200, 5]))
    const raw = await readFile(figureFile(directory, app, old))
    await tidy()
    await writeFile(figureFile(directory, app, old), raw)
    expect(await read(old - 30, old)).toHaveLength(1)
    await tidy()
    expect(await readdir(join(directory, app))).toHaveLength(1)
    expect(await read(old - 30, old)).toHaveLength(1)
  })

  it('that cannot be condensed are left, and those of other apps are not', async () => {
    await write(requests(now - 27 * 60, [200, 5]))
    await mkdir(join(directory, 'other', `${Math.floor(now / 60) - 30}.jsonl`), { recursive: true })
    await tidy('other')
    expect(await readdir(join(directory, app))).toEqual([`${Math.floor(now / 60) - 27}.half.jsonl`])
  })

  it('are no lines of ours unless they have all there must be', () => {
    const line = JSON.stringify(requests(now, [503, undefined, 'H14']))
    expect(parseEntry(line)).toEqual(JSON.parse(line))
    const others = [line.replace('H14', 'constructor'), line.replace('"bytes":10', '"bytes":"10"'), line.slice(0, -1)]
    expect(others.map(parseEntry)).toEqual([undefined, undefined, undefined])
  })
})

describe('a report', () => {
  it('adds up the period and each of its points', () => {
    const entries = [
      requests(now - 60, [200, 100]),
      requests(now - 59, [200, 10], [500, 20], [404, 1]),
      requests(now, [101, 60_000], [503, undefined, 'H14'], [503, 30_000, 'H12']),
      requests(now, [503, undefined, 'H14']),
      dynos(now, 50, null),
      dynos(now, 70, 0.5),
    ]
    const { from, end, totals, points } = makeReport(entries, spanOf('hour', now))
    expect([from, end, points.length]).toEqual([now - 59, now + 1, 60])
    expect(totals).toMatchObject({
      requests: 7,
      errors: 4,
      statuses: [1, 1, 0, 1, 4],
      codes: { H12: 1, H14: 2 },
      bytes: 70,
    })
    expect(points[0]).toMatchObject({ minute: now - 59, requests: 3, errors: 1, dynos: null })
    expect(points[1]).toMatchObject({ requests: 0, latency: null })
    expect(points.at(-1)).toMatchObject({ requests: 4, dynos: { count: 2, memory: 70, largest: 35, cpu: 0.5 } })
    expect(Math.abs(totals.latency!.p99 / 30_000 - 1)).toBeLessThan(0.05)
    expect(Math.abs(totals.latency!.p50 / 10 - 1)).toBeLessThan(0.05)
  })

  it('of a day has points of ten minutes that begin at full ones', () => {
    expect(spanOf('day', now + 4)).toEqual({ from: now + 10 - 1440, to: now + 9, step: 10 })
    const { points } = makeReport([requests(now, [200, 5]), requests(now + 4, [200, 5])], spanOf('day', now + 4))
    expect([points.length, points.at(-1)?.minute, points.at(-1)?.requests]).toEqual([144, now, 2])
  })
})
