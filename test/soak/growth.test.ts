import { describe, expect, it } from 'vitest'
import { judge, type Sample } from '../../bench/soak/growth.ts'

/** One sample every minute (or part of it), of one figure. */
function soak(name: string, minutes: number, value: (minute: number) => number, pushesPerMinute = 1): Sample[] {
  return Array.from({ length: 61 }, (_, i) => {
    const minute = (i * minutes) / 60
    return { minute, pushes: Math.floor(minute * pushesPerMinute), values: { [name]: value(minute) } }
  })
}

const grew = (samples: Sample[]): boolean => judge(samples).some((growth) => growth.grew)

describe('a figure of a soak', () => {
  it('that goes on growing is found, with from, to and by how much a minute', () => {
    const [growth] = judge(soak('router heap', 60, (minute) => 20 + minute / 2))
    expect(growth).toMatchObject({ name: 'router heap', unit: 'MiB', perMinute: 0.5, grew: true })
    expect(growth!.from).toBeLessThan(growth!.to)
  })

  it('that only grows while it warms up has not grown', () => {
    expect(grew(soak('router heap', 60, (minute) => Math.min(200, minute * 20)))).toBe(false)
    expect(grew(soak('router heap', 2, (minute) => Math.min(50, minute * 70)))).toBe(false)
  })

  it('that goes up and down has not grown, whatever its first and last value', () => {
    expect(grew(soak('worker rss', 60, (minute) => 100 + 40 * Math.abs(Math.sin(minute))))).toBe(false)
    expect(grew(soak('worker rss', 60, (minute) => (minute > 58 ? 300 : 100)))).toBe(false)
  })

  it('that grows fast is found in two minutes', () => {
    expect(grew(soak('router heap', 2, (minute) => 20 + 38 * minute))).toBe(true)
    expect(grew(soak('api descriptors', 2, (minute) => 40 + 120 * minute))).toBe(true)
  })

  it('may grow by what pushes leave, and no more', () => {
    expect(grew(soak('data files', 30, (minute) => 100 + 12 * minute, 1))).toBe(false)
    expect(grew(soak('data files', 30, (minute) => 100 + 12 * minute, 0.25))).toBe(true)
  })

  it('that was missing now and then, as its role was just killed, is judged by the samples that have it', () => {
    const samples = soak('router heap', 60, (minute) => 20 + minute / 2)
    delete samples[40]!.values['router heap']
    expect(grew(samples)).toBe(true)
  })
})
