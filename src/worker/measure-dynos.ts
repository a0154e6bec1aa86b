import { minuteOf, type StateCounts } from '../model/figures.ts'
import { setTimeout as delay } from 'node:timers/promises'
import type { Dyno, DynoUsage, Engine } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import type { FigureWriter } from '../metrics/figure-writer.ts'
import type { AppId } from '../model/ids.ts'

type Deps = {
  engine: Pick<Engine, 'listDynos' | 'dynoUsage'>
  figures: Pick<FigureWriter, 'write'>
  log: Logger
}

/**
 * Milliseconds between two looks, and, in a look, between two dynos: of many, less, so that a look
 * is over in time. At once: the engine may think for a second about each.
 */
const pace = { round: 60_000, between: 100, longestLook: 45_000, atOnce: 16 }

/** Looks once a minute at what the dynos use. */
export class DynoMeter {
  readonly #deps: Deps
  #usage = new Map<string, DynoUsage>()
  #last = new Map<AppId, StateCounts>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** At the last look. */
  get apps(): ReadonlyMap<AppId, StateCounts> {
    return this.#last
  }

  /** Until the signal. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const next = performance.now() + pace.round
      await this.look().catch((cause: unknown) => this.#deps.log.warn({ err: cause }, 'dynos could not be measured'))
      await delay(Math.max(0, next - performance.now()), undefined, { signal }).catch(() => undefined)
    }
  }

  async look(): Promise<void> {
    const { engine, figures } = this.#deps
    const dynos = await engine.listDynos()
    const usage = await this.#measure(dynos.filter(({ state }) => state.kind === 'running'))
    const apps = Map.groupBy(dynos, ({ appId }) => appId)
    this.#last = new Map([...apps].map(([appId, own]) => [appId, this.#summarize(own, usage)]))
    this.#usage = usage
    for (const [appId, app] of this.#last) {
      if (app.figures) figures.write(appId, { minute: minuteOf(Date.now()), dynos: app.figures })
    }
  }

  async #measure(dynos: Dyno[]): Promise<Map<string, DynoUsage>> {
    const usage = new Map<string, DynoUsage>()
    const waiting = dynos.entries()
    const begun = performance.now()
    const between = Math.min(pace.between, pace.longestLook / dynos.length)
    const lookOn = async (): Promise<void> => {
      for (const [at, dyno] of waiting) {
        await delay(Math.max(0, begun + at * between - performance.now()))
        const found = await this.#usageOf(dyno)
        if (found) usage.set(dyno.id, found)
      }
    }
    await Promise.all(Array.from({ length: pace.atOnce }, lookOn))
    return usage
  }

  /**
   * One dyno that cannot be measured, such as one that is just ending, leaves those of others
   * alone.
   */
  async #usageOf({ id, appId, name }: Dyno): Promise<DynoUsage | undefined> {
    try {
      return await this.#deps.engine.dynoUsage(id)
    } catch (cause) {
      this.#deps.log.debug({ err: cause, app: appId, dyno: name }, 'a dyno could not be measured')
      return undefined
    }
  }

  #summarize(dynos: Dyno[], usage: Map<string, DynoUsage>): StateCounts {
    const measured = dynos.filter(({ id }) => usage.has(id))
    const states = Object.fromEntries(
      [...Map.groupBy(dynos, ({ state }) => state.kind)].map(([state, own]) => [state, own.length]),
    )
    if (measured.length === 0) return { states, figures: undefined }
    const memory = measured.map(({ id }) => usage.get(id)!.memoryBytes)
    const cores = measured.map(({ id }) => coresBetween(this.#usage.get(id), usage.get(id)!))
    const known = cores.filter((each) => each !== undefined)
    const figures = {
      count: measured.length,
      memory: sum(memory),
      largest: Math.max(...memory),
      cpu: known.length === 0 ? null : sum(known),
    }
    return { states, figures }
  }
}

/** Undefined without an earlier look, and when the dyno began again since. */
function coresBetween(before: DynoUsage | undefined, now: DynoUsage): number | undefined {
  if (before === undefined || now.cpuSeconds < before.cpuSeconds || now.at <= before.at) return undefined
  return (now.cpuSeconds - before.cpuSeconds) / ((now.at.getTime() - before.at.getTime()) / 1000)
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
