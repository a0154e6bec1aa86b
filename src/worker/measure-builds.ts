import type { WorkerFigures } from '../model/figures.ts'
import { Histogram } from '../metrics/histogram.ts'
import type { PhaseTimes } from '../model/build.ts'

/** Counts the builds of all apps by verdict, and how long each phase took. */
export class BuildMeter {
  readonly #verdicts = new Map<string, number>()
  readonly #phases = new Map<string, Histogram>()

  record(verdict: 'succeeded' | 'failed' | 'cancelled', phases: PhaseTimes): void {
    this.#verdicts.set(verdict, (this.#verdicts.get(verdict) ?? 0) + 1)
    for (const [phase, milliseconds] of Object.entries(phases)) {
      const histogram = this.#phases.get(phase) ?? new Histogram()
      histogram.record(milliseconds)
      this.#phases.set(phase, histogram)
    }
  }

  figures(): Pick<WorkerFigures, 'builds' | 'phases'> {
    return {
      builds: Object.fromEntries(this.#verdicts),
      phases: Object.fromEntries([...this.#phases].map(([phase, histogram]) => [phase, histogram.store()])),
    }
  }
}
