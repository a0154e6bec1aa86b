/** Measures the phases of one build, in milliseconds, in the order they ended. */
export class PhaseClock {
  readonly times: Record<string, number> = {}

  async time<T>(phase: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now()
    try {
      return await work()
    } finally {
      this.times[phase] = (this.times[phase] ?? 0) + Math.round(performance.now() - start)
    }
  }
}
