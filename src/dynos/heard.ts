import type { EngineEvent } from '../engine/engine.ts'
import type { DynoExits } from './dyno-exits.ts'
import type { DynoLog } from './dyno-log.ts'
import type { ReadyDynos } from './ready-dynos.ts'

type Listeners = { exits: DynoExits; dynoLog: DynoLog; readyDynos: Pick<ReadyDynos, 'forget'> }

/**
 * Takes every event of the engine, in order: what it means for those who remember dynos, and for
 * the app's log.
 */
export function heard({ exits, dynoLog, readyDynos }: Listeners, event: EngineEvent): void {
  exits.record(event)
  const { id, appId, name, time, exitCode: code } = event
  if (appId === '' || name === '') return
  switch (event.kind) {
    case 'started':
      return dynoLog.started(event, time)
    case 'exited':
      return dynoLog.exited(event, { code, outOfMemory: exits.last(id)?.outOfMemory ?? false, at: time })
    case 'out-of-memory':
      return dynoLog.killedForMemory(event)
    case 'removed':
      readyDynos.forget(id)
      return dynoLog.removed(event)
    case 'stuck': // reconciling it reports the reason
  }
}
