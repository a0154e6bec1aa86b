import type { Dyno } from '../engine/engine.ts'
import type { Working } from './parts.ts'

/**
 * A dyno that has filled its disk is replaced by a fresh one, without a gap where that one comes
 * up: its files go with it, as at any restart. Resolves when each has made room.
 */
export async function replaceOverfull({ dynos, config, dispatcher }: Working): Promise<void> {
  const overfull = await dynos.tellOverfull(config.limits.dynoDiskMiB)
  const replace = async (dyno: Dyno): Promise<void> => {
    await dispatcher.run({ kind: 'restart', appId: dyno.appId, dyno: dyno.name })
    // It is removed even where no other dyno took its place.
    dynos.retire(dyno)
    void dispatcher.converge(dyno.appId)
  }
  await Promise.all(overfull.map(replace))
}
