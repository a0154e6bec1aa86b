import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { everyDay, nextTime, wasMissed } from '../src/every-day.ts'

const night = { hour: 3, minute: 30 }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('the next time of a day is today or tomorrow, never now', () => {
  expect(nextTime(night, new Date(2026, 10, 27, 3, 29, 59))).toEqual(new Date(2026, 10, 27, 3, 30))
  expect(nextTime(night, new Date(2026, 10, 27, 3, 30))).toEqual(new Date(2026, 10, 28, 3, 30))
  expect(nextTime(night, new Date(2026, 11, 31, 23))).toEqual(new Date(2027, 0, 1, 3, 30))
})

it('what is to be done every day is done once a day, also when the clock was set meanwhile', async () => {
  vi.setSystemTime(new Date(2026, 10, 27, 3, 0))
  const done: Date[] = []
  using _ = everyDay(night, () => void done.push(new Date()))
  await vi.advanceTimersByTimeAsync(3_600_000)
  vi.setSystemTime(new Date(2026, 10, 28, 3, 25))
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(done.map((date) => date.getDate())).toEqual([27, 28])
})

it('is missed when its time has come since it was done last', () => {
  vi.setSystemTime(new Date(2026, 10, 27, 4, 0))
  expect(wasMissed(night, new Date(2026, 10, 27, 3, 29))).toBe(true)
  expect(wasMissed(night, new Date(2026, 10, 27, 3, 30))).toBe(false)
  vi.setSystemTime(new Date(2026, 10, 28, 3, 29))
  expect(wasMissed(night, new Date(2026, 10, 27, 3, 30))).toBe(false)
})
