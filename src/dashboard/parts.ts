import type { Config } from '../config.ts'
import type { Logger } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { Changes } from './changes.ts'
import type { Seals } from './http/seals.ts'
import type { Ask } from './platform.ts'

export type DashboardDeps = {
  config: Pick<Config, 'domain' | 'publicUrl'> & { paths: Pick<Config['paths'], 'rendezvousSocket'> }
  store: Pick<Store, 'tokens' | 'secretFor' | 'commits'>
  /** The Platform API of this process. */
  ask: Ask
  log: Logger
}

/** What its parts share. */
export type Parts = DashboardDeps & { seals: Seals; changes: Changes }
