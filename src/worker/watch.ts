import { setTimeout as delay } from 'node:timers/promises'
import type { Engine, EngineEvent } from '../engine/engine.ts'
import { asPaasError } from '../errors.ts'
import type { Logger } from '../log.ts'

export type Watch = {
  engine: Pick<Engine, 'watch' | 'info'>
  log: Logger
  /** Gets every event, in order. */
  heard: (event: EngineEvent) => void
  /** The engine is away; called again and again while it is. */
  lost: () => void
  /** The engine is there, for the first time or again; whatever happened before was not seen. */
  engineBack: () => Promise<void>
}

/** Milliseconds between two attempts to reach an engine that is away. */
const pause = 500

/** Follows the engine's events until the signal. */
export async function watchEngine(watch: Watch, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const event of await comeBack(watch, signal)) watch.heard(event)
    } catch (error) {
      if (!signal.aborted) watch.log.warn({ err: error }, "the engine's events broke off")
    }
  }
}

/** The events from before `engineBack` on, so that what happens during it is not missed. */
async function comeBack(
  { engine, engineBack, lost, log }: Watch,
  signal: AbortSignal,
): Promise<AsyncIterable<EngineEvent>> {
  let told: string | undefined
  for (;;) {
    try {
      await engine.info()
      const events = engine.watch(signal)
      await engineBack()
      log.info('watching the engine')
      return events
    } catch (error) {
      const { code, message } = asPaasError(error)
      // An unavailable engine comes back by itself, and each app's log says so. Anything else needs
      // the operator.
      if (code === 'engine_unavailable') lost()
      else if (message !== told) log.error({ err: error }, 'apps cannot be looked after; tried again until they can')
      told = message
      await delay(pause, undefined, { signal })
    }
  }
}
