import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { checkRecord } from '../../src/worker/check-record.ts'
import { TestStore } from '../store/test-store.ts'

const hour = 3600 * 1000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('the record is looked at once a day, and not while something is built', () => {
  using record = new TestStore()
  const check = vi.spyOn(record.store, 'check')
  using _checks = checkRecord(record.store)
  vi.advanceTimersByTime(23.5 * hour)
  expect(check).not.toHaveBeenCalled()
  vi.advanceTimersByTime(24 * hour)
  expect(check).toHaveBeenCalledTimes(1)
  const { id, generation } = record.runningBuild()
  vi.advanceTimersByTime(48 * hour)
  expect(check).toHaveBeenCalledTimes(1)
  record.store.builds.finish(id, generation, { kind: 'cancelled', finishedAt: new Date() })
  vi.advanceTimersByTime(hour)
  expect(check).toHaveBeenCalledTimes(2)
})
