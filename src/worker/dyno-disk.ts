import type { Config } from '../config.ts'
import type { Dyno, Engine } from '../engine/engine.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { Retirement } from '../dynos/retirement.ts'
import type { Dispatcher } from './dispatcher.ts'

export type DiskDeps = {
  config: { limits: Pick<Config['limits'], 'dynoDiskMiB'> }
  engine: Pick<Engine, 'overfullDynos'>
  platformLog: Pick<PlatformLog, 'dyno'>
  retirement: Pick<Retirement, 'retire' | 'isRetiring'>
  dispatcher: Pick<Dispatcher, 'run' | 'converge'>
}

/**
 * A dyno that has filled its disk is replaced by a fresh one, without a gap where that one comes up: its files go with it, as at
 * any restart. Resolves when each has made room.
 */
export async function replaceOverfull(deps: DiskDeps): Promise<void> {
  const { config, engine, retirement } = deps
  const overfull = await engine.overfullDynos(config.limits.dynoDiskMiB)
  const found = overfull.filter(({ dyno }) => !retirement.isRetiring(dyno.id))
  await Promise.all(found.map(({ dyno, excess }) => replace(deps, dyno, excess)))
}

async function replace({ platformLog, retirement, dispatcher }: DiskDeps, dyno: Dyno, excess: string) {
  platformLog.dyno(dyno, `Disk quota exceeded: ${excess} written. Replacing the dyno by a fresh one`)
  await dispatcher.run({ kind: 'restart', appId: dyno.appId, dyno: dyno.name })
  // It goes also where no other took its place.
  retirement.retire([dyno])
  void dispatcher.converge(dyno.appId)
}
