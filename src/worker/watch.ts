import { setTimeout as delay } from 'node:timers/promises'
import type { Engine, EngineEvent } from '../engine/engine.ts'
import { asPaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { AppId } from '../model/ids.ts'
import { isOneOff } from '../model/dyno.ts'
import type { DynoExits } from '../dynos/dyno-exits.ts'
import type { DynoLog } from '../dynos/dyno-log.ts'

export type WatchDeps = {
  engine: Pick<Engine, 'watch' | 'info'>
  dynoLog: DynoLog
  exits: Pick<DynoExits, 'record' | 'last'>
  log: Logger
  /** The app's dynos changed without our doing, or may have. */
  changed: (appId: AppId) => void
  /** A dyno's process started: its output begins. */
  started: (event: EngineEvent) => void
  /** The engine is there, for the first time or again; whatever happened before was not seen. */
  engineBack: () => Promise<void>
}

/** Milliseconds between two attempts to reach an engine that is away. */
const pause = 500

/** Follows the engine's events until the signal, and says in each app's log what became of its dynos. */
export async function watchEngine(deps: WatchDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const event of await comeBack(deps, signal)) handle(deps, event)
    } catch (error) {
      if (!signal.aborted) deps.log.warn({ err: error }, "the engine's events broke off")
    }
  }
}

/** The events from before `engineBack` on, so that what happens during it is not missed. */
async function comeBack(
  { engine, engineBack, dynoLog, log }: WatchDeps,
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
      // An engine that is away comes back by itself, and each app's log says so; for the rest the operator has to do something.
      if (code === 'engine_unavailable') dynoLog.engineLost()
      else if (message !== told) log.error({ err: error }, 'apps cannot be looked after; tried again until they can')
      told = message
      await delay(pause, undefined, { signal })
    }
  }
}

function handle({ dynoLog, exits, started, changed }: WatchDeps, event: EngineEvent): void {
  exits.record(event)
  const { id, appId, name, time, exitCode: code } = event
  if (appId === '' || name === '') return
  switch (event.kind) {
    case 'started':
      dynoLog.started(event, time)
      if (!event.attached) started(event)
      break
    case 'exited':
      dynoLog.exited(event, { code, outOfMemory: exits.last(id)?.outOfMemory ?? false, at: time })
      break
    case 'out-of-memory':
      dynoLog.killedForMemory(event)
      break
    case 'removed':
      dynoLog.removed(event)
      break
    case 'stuck': // the converge says why
  }
  if (!isOneOff(event)) changed(appId)
}
