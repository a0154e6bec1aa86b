import { minuteOf } from '../../src/model/figures.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sparkline } from '../../src/cli/sparkline.ts'
import { createLog } from '../../src/log.ts'
import { FigureWriter } from '../../src/metrics/figure-writer.ts'
import { RequestTally } from '../../src/metrics/request-tally.ts'
import type { AppId } from '../../src/model/ids.ts'
import { TestTerminal } from './terminal.ts'

let terminal: TestTerminal

beforeAll(async () => {
  terminal = await TestTerminal.start()
})
afterAll(() => terminal[Symbol.asyncDispose]())

async function busyApp(name: string): Promise<void> {
  const { id } = await terminal.api.createApp(name)
  const appId = id as unknown as AppId
  const { metrics } = terminal.api.config.paths
  await using writer = new FigureWriter({ directory: metrics, log: createLog('test', 'silent') })
  const minute = minuteOf(Date.now())
  const tally = new RequestTally()
  const times = { connect: 0, service: 20 }
  for (let i = 0; i < 99; i++) tally.record({ status: 200, code: undefined, bytes: 5, times })
  tally.record({ status: 503, code: 'H12', bytes: 5, times })
  writer.write(appId, { minute: minute - 1, requests: tally.figures() })
  writer.write(appId, { minute, dynos: { count: 2, memory: 100 * 2 ** 20, largest: 60 * 2 ** 20, cpu: 0.123 } })
}

describe('paas metrics', () => {
  it('draws charts that fit 80 columns, without colours where no terminal is', async () => {
    await busyApp('busy')
    const shown = await terminal.succeed(['metrics', '-a', 'busy'])
    const lines = shown.trimEnd().split('\n')
    expect(lines[0]).toBe('=== busy Metrics of the last hour, a minute each')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    expect(shown).not.toContain('\u001b')
    expect(shown).toMatch(/^Requests {2}▁+█▁* +100, at most 100\/min$/m)
    expect(shown).toMatch(/^5xx .* 1, 1 %$/m)
    expect(shown).toMatch(/^p50 .* (19|20|21) ms$/m)
    expect(shown).toMatch(/^Memory .* at most 100 MiB$/m)
    expect(shown).toMatch(/^CPU .* 12 % of a core$/m)
    expect(lines.at(-1)).toBe('Codes: H12 1')
  })

  it('shows the last day, and gives JSON', async () => {
    await busyApp('daily')
    expect(await terminal.succeed(['metrics', '-p', 'day', '-a', 'daily'])).toContain('last day, 10 minutes each')
    const json = JSON.parse(await terminal.succeed(['metrics', '--json', '-a', 'daily'])) as { points: object[] }
    expect(json.points).toHaveLength(60)
  })

  it('says when there was nothing, and what a period is', async () => {
    await terminal.api.createApp('silent')
    const { code, stderr } = await terminal.paas(['metrics', '-a', 'silent'])
    expect([code, stderr]).toEqual([0, 'silent had no requests in the last hour.\n'])
    const refused = await terminal.paas(['metrics', '-p', 'month', '-a', 'silent'])
    expect(refused.stderr).toContain('--period is "month"; it must be hour, day or week.')
    expect(refused.code).not.toBe(0)
  })
})

describe('a sparkline', () => {
  it('goes from 0 to the highest value, and leaves blank what is not known', () => {
    expect(sparkline([0, 1, 4, 8, null, 8], 10)).toBe('▁▂▄█ █')
    expect(sparkline([0, 0], 10)).toBe('▁▁')
    expect(sparkline([0.001, 1000], 10)).toBe('▂█')
  })

  it('shows the highest of the values that share a column', () => {
    expect(sparkline([0, 8, 0, 0, null, null, null], 4)).toBe('█▁  ')
    expect(sparkline([1, 2], 0)).toHaveLength(1)
  })
})
