import type { RoleFigures } from '../model/figures.ts'
import { Histogram } from './histogram.ts'
import { durationsOf } from './totals.ts'

/** Milliseconds between two checks. */
const interval = 500

/** Measures the process it is made in. */
export class RoleMeter implements Disposable {
  readonly #lag = new Histogram()
  readonly #timer: NodeJS.Timeout
  #due = performance.now() + interval

  constructor() {
    this.#timer = setInterval(() => this.#look(), interval).unref()
  }

  figures(): RoleFigures {
    const { user, system } = process.cpuUsage()
    return {
      memory: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
      lag: durationsOf(this.#lag),
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const now = performance.now()
    this.#lag.record(Math.max(0, now - this.#due))
    this.#due = now + interval
  }
}
