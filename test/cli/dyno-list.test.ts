import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dynoLines } from '../../src/cli/dyno-list.ts'
import type { DynoJson } from '../../src/cli/resources/apps.ts'

const now = new Date('2026-01-02T03:04:05Z')
const up: DynoJson = {
  name: 'web.1',
  type: 'web',
  command: 'npm start',
  size: 'Basic',
  state: 'up',
  updated_at: '2026-01-02T03:02:05Z',
  release: { version: 3 },
  exit_status: null,
  next_start_at: null,
  reason: null,
  restarts: 0,
}
const exited = { state: 'crashed', reason: { id: 'exited', message: 'exited with 1' }, exit_status: 1 }

/** What is said below a dyno. */
const below = (dyno: Partial<DynoJson>) => dynoLines([{ ...up, ...dyno }], now).slice(2, -1)

beforeEach(() => {
  vi.stubEnv('NO_COLOR', '1')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

describe('the list of dynos', () => {
  it('shows each by its type, and below those that are not up why', () => {
    const crashed = { ...up, name: 'web.2', ...exited, restarts: 4, next_start_at: '2026-01-02T03:04:25Z' }
    const worker = { ...up, name: 'worker.1', type: 'worker', command: 'node worker.js' }
    expect(dynoLines([up, crashed, worker], now)).toEqual([
      '=== web (Basic): npm start (2)\n',
      expect.stringMatching(/^web\.1: {2}up {7}2026\S+ \S+ \S+ \(~ 2m ago\)$/),
      expect.stringMatching(/^web\.2: {2}crashed {2}2026\S+ \S+ \S+ \(~ 2m ago\)$/),
      '        exited with 1; crashed 4 times; starts again within 20s',
      '',
      '=== worker (Basic): node worker.js (1)\n',
      expect.stringMatching(/^worker\.1: {2}up /),
      '',
    ])
  })

  it.each<[string, Partial<DynoJson>, string[]]>([
    ['is up', {}, []],
    ['is up after crashes', { restarts: 2, exit_status: 3 }, ['crashed 2 times before, the last time with 3']],
    [
      'crashed once',
      { ...exited, restarts: 1, next_start_at: '2026-01-02T03:04:05Z' },
      ['exited with 1; starts again at once'],
    ],
    [
      'did not answer',
      { state: 'crashed', reason: { id: 'R10', message: 'nothing answered on $PORT within the boot timeout' } },
      ['nothing answered on $PORT within the boot timeout (R10)'],
    ],
    [
      'is down',
      { state: 'down', reason: { id: 'engine_unavailable', message: 'Docker cannot be reached' } },
      ['Docker cannot be reached'],
    ],
  ])('says of one that %s what there is to say', (_, dyno, lines) => {
    expect(below(dyno)).toEqual(lines.map((line) => `        ${line}`))
  })
})
