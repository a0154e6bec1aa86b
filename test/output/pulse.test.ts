import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Pulse } from '../../src/output/pulse.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('a build that prints nothing for some seconds says which step it is at, until it is over', () => {
  let output = ''
  const pulse = new Pulse((text) => (output += text))
  pulse.write('-----> Installing dependencies...\n')
  vi.advanceTimersByTime(3000)
  pulse.write('       added 3 packages\n')
  vi.advanceTimersByTime(9000)
  pulse[Symbol.dispose]()
  vi.advanceTimersByTime(60_000)
  const steps = ['7s', '11s'].map((time) => `       Installing dependencies... ${time}\n`)
  expect(output).toBe(`-----> Installing dependencies...\n       added 3 packages\n${steps.join('')}`)
})
