import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { judgeDocker } from '../../src/doctor/docker.ts'
import { judgeService } from '../../src/doctor/installation.ts'
import { findMemory, judgeDisk, judgeMemory, usageOf } from '../../src/doctor/machine.ts'

describe('a disk', () => {
  const fine = { free: 50 * 2 ** 30, total: 100 * 2 ** 30, freeInodes: 1_000_000, inodes: 2_000_000 }

  it.each([
    [{}, 'good'],
    [{ free: 4 * 2 ** 30 }, 'warning'],
    [{ free: 40 * 2 ** 30, total: 1000 * 2 ** 30 }, 'warning'],
    [{ free: 2 ** 29 }, 'bad'],
    [{ freeInodes: 90_000 }, 'warning'],
    [{ freeInodes: 9 }, 'bad'],
    [{ freeInodes: 0, inodes: 0 }, 'good'],
  ])('with %j is %s', (usage, state) => {
    const found = judgeDisk('data', '/srv', { ...fine, ...usage })
    expect(found).toMatchObject({ name: 'disk', state, message: expect.stringContaining('data (/srv) has ') })
    expect(found.advice === null).toBe(state === 'good')
  })

  it('is asked for itself', async () => {
    const { free, total } = await usageOf(tmpdir())
    expect(free).toBeGreaterThan(0)
    expect(total).toBeGreaterThan(free)
  })
})

describe('memory', () => {
  const meminfo = (total: number, available: number): string =>
    `MemTotal:        ${total} kB\nMemFree: 9 kB\nMemAvailable:    ${available} kB\nSwapTotal:       1048576 kB\n`

  it.each([
    [4_000_000, 2_000_000, 'good'],
    [4_000_000, 300_000, 'warning'],
    [4_000_000, 100_000, 'bad'],
    [900_000, 700_000, 'warning'],
  ])('of %i kB with %i kB available is %s', (total, available, state) => {
    expect(judgeMemory(meminfo(total, available), 2)).toMatchObject({ state, message: /1.0 GiB swap, 2 processors/ })
  })

  it('is that of this machine', () => {
    expect(findMemory().message).toMatch(/^\d+\.\d GiB free of \d+\.\d GiB/)
  })
})

describe('Docker', () => {
  it.each([
    ['20.10.24+dfsg1', true, 'good'],
    ['29.0.1', undefined, 'good'],
    ['29.0.1', false, 'warning'],
    ['19.03.15', true, 'bad'],
  ])('%s, at boot: %s, is %s', (version, atBoot, state) => {
    expect(judgeDocker({ version }, { atBoot }).state).toBe(state)
  })
})

describe('the service', () => {
  const shown = (fields: Record<string, string>): string =>
    Object.entries({
      LoadState: 'loaded',
      UnitFileState: 'enabled',
      ActiveState: 'active',
      WorkingDirectory: '/srv/paas',
      ...fields,
    })
      .map(([name, value]) => `${name}=${value}`)
      .join('\n')

  it.each([
    [{}, 'good', /^none$/],
    [{ ActiveState: 'failed' }, 'bad', /journalctl/],
    [{ UnitFileState: 'disabled' }, 'warning', /systemctl enable/],
    [{ WorkingDirectory: '/srv/old' }, 'warning', /npm run upgrade/],
    [{ LoadState: 'not-found', ActiveState: 'inactive' }, 'warning', /npm run service/],
  ])('with %j is %s', (fields, state, advice) => {
    const found = judgeService(shown(fields), '/srv/paas')
    expect(found.state).toBe(state)
    expect(found.advice ?? 'none').toMatch(advice)
  })
})
