import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { DynoSizes } from '../model/formation.ts'
import type { Quotas } from '../quotas/quotas.ts'
import type { RouterControl } from '../router/control/control.ts'
import type { DynoStateRecords } from '../store/dyno-records.ts'
import type { Store } from '../store/store.ts'
import { DynoExits } from './dyno-exits.ts'
import type { DynoLog } from './dyno-log.ts'
import { LostImages } from './lost-images.ts'
import { ReadyDynos } from './ready-dynos.ts'
import { Retirement } from './retirement.ts'
import { Routes } from './routes.ts'
import { VolumeTroubles } from './volume-troubles.ts'

/** What `Dynos` is made of. */
export type DynosOptions = {
  engine: Engine
  store: Store
  router: RouterControl
  quotas: Quotas
  /** The life of each dyno, which whoever runs one-offs tells too. */
  dynoLog: DynoLog
  states: Pick<DynoStateRecords, 'find' | 'keepOnly'>
  platformLog: PlatformLog
  config: Pick<Config, 'boot' | 'deployHold' | 'stop' | 'hold' | 'domain' | 'dynoSizes' | 'silence'> & {
    paths: Pick<Config['paths'], 'apiSocket'>
  }
  log: Logger
}

/**
 * What `Dynos` owns. The steps in this directory each take the parts that they use; nobody outside
 * has them.
 */
export type DynoParts = Pick<Config, 'boot' | 'deployHold' | 'stop' | 'hold' | 'domain'> & {
  engine: Engine
  store: Pick<
    Store,
    | 'apps'
    | 'formations'
    | 'slugs'
    | 'releases'
    | 'domains'
    | 'edges'
    | 'ownPages'
    | 'sniEndpoints'
    | 'managedCertificates'
    | 'dynoStates'
    | 'volumes'
  >
  router: Pick<RouterControl, 'silences'>
  routes: Routes
  exits: DynoExits
  dynoLog: DynoLog
  readyDynos: ReadyDynos
  retirement: Retirement
  lostImages: LostImages
  volumeTroubles: VolumeTroubles
  quotas: Pick<Quotas, 'reserveDynos'>
  platformLog: PlatformLog
  sizes: DynoSizes
  log: Logger
}

export function createParts({ config, states, router, ...given }: DynosOptions): DynoParts {
  const { boot, deployHold, stop, hold, domain, dynoSizes: sizes, paths } = config
  const routes = new Routes(router, { controlHost: domain, controlSocket: paths.apiSocket })
  const retirement = new Retirement({ ...given, routes, stop })
  const own = { routes, retirement, readyDynos: new ReadyDynos({ states }), exits: new DynoExits() }
  return {
    ...given,
    ...own,
    lostImages: new LostImages(given),
    volumeTroubles: new VolumeTroubles(given),
    router,
    boot,
    deployHold,
    stop,
    hold,
    domain,
    sizes,
  }
}
