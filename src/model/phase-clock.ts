import type { PhaseTimes } from './build.ts'

/**
 * Measures the phases of one build, in milliseconds, in the order they ended. What comes several
 * times is added up.
 */
export class PhaseClock {
  readonly times: PhaseTimes = {}

  async time<T>(phase: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now()
    try {
      return await work()
    } finally {
      this.add({ [phase]: Math.round(performance.now() - start) })
    }
  }

  add(times: PhaseTimes): void {
    for (const [phase, time] of Object.entries(times)) this.times[phase] = (this.times[phase] ?? 0) + time
  }
}
