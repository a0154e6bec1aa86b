import { afterEach, expect, it, vi } from 'vitest'
import { Patience } from '../src/retry.ts'

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
