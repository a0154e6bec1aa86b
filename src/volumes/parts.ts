import type { Readable } from 'node:stream'
import type { Config } from '../config.ts'
import type { Dynos } from '../dynos/dynos.ts'
import type { Engine } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { AppVolume } from '../model/volume.ts'
import type { Store } from '../store/store.ts'
import type { Vault } from './vault.ts'

/** What copies are made with. */
export type VolumeParts = Pick<Config, 'limits'> & {
  engine: Engine
  store: Store
  dynos: Pick<Dynos, 'readStill'>
  platformLog: Pick<PlatformLog, 'api'>
  vault: Vault
  log: Logger
}

/**
 * A tar of a volume; `still`: while its dynos are paused. @throws volume_missing, volume_changing
 */
export function readNow(
  { dynos, engine }: Pick<VolumeParts, 'dynos' | 'engine'>,
  volume: AppVolume,
  { still }: { still: boolean },
  signal: AbortSignal,
): Promise<Readable> {
  if (still) return dynos.readStill(volume, signal)
  return engine.readVolume({ id: volume.data, owner: volume.appId }, signal)
}
