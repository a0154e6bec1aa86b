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

  /** `source 0.1s, detect 0.2s` */
  toString(): string {
    const parts = Object.entries(this.times).map(([phase, time]) => `${phase} ${(time / 1000).toFixed(1)}s`)
    return parts.join(', ')
  }
}
