import { afterEach, expect, it, vi } from 'vitest'
import { Overdue, Patience } from '../src/retry.ts'

afterEach(() => vi.useRealTimers())

it('what fails is tried again after longer and longer pauses, a minute at most, until patience is over', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const patience = new Patience<string>(600_000)
  const attempts: number[] = []
  for (let seconds = 0; seconds <= 700; seconds++, vi.advanceTimersByTime(1000)) {
    if (!patience.isDue('proof')) continue
    attempts.push(seconds)
    if (!patience.isLeft('proof')) break
  }
  expect(attempts).toEqual([0, 4, 12, 28, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600])
  expect(patience.isDue('another')).toBe(true)
})

it('what has succeeded begins anew', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const patience = new Patience<string>(1000)
  expect(patience.isLeft('upgrade')).toBe(true)
  vi.advanceTimersByTime(5000)
  patience.forget('upgrade')
  expect([patience.isDue('upgrade'), patience.isLeft('upgrade')]).toEqual([true, true])
})

it('what could not be done today is due after a minute, then after twice as long, an hour at most, until it is begun anew', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const overdue = new Overdue<string, string>()
  const attempts: number[] = []
  overdue.add('volume', 'copy')
  for (let minutes = 0; minutes <= 300; minutes++, vi.advanceTimersByTime(60_000)) {
    for (const work of overdue.take()) {
      attempts.push(minutes)
      overdue.add('volume', work)
    }
  }
  expect(attempts).toEqual([1, 3, 7, 15, 31, 63, 123, 183, 243])
  overdue.forget('volume')
  vi.advanceTimersByTime(3_600_000)
  expect(overdue.take()).toEqual([])
  overdue.add('volume', 'another')
  vi.advanceTimersByTime(60_000)
  expect([overdue.take(), overdue.take()]).toEqual([['another'], []])
})
