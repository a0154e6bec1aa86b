import type { BuildSandboxes } from '../build/sandboxes.ts'
import type { Stacks } from '../build/stacks.ts'
import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import type { Releases } from '../release/releases.ts'
import type { Store } from '../store/store.ts'

/** What moves apps to other run images. */
export type UpgradesOptions = {
  engine: Pick<Engine, 'appendLayer' | 'findImage' | 'readImage'>
  store: Store
  stacks: Stacks
  sandboxes: Pick<BuildSandboxes, 'renew'>
  releases: Pick<Releases, 'moveSlug' | 'releaseNext'>
  config: Pick<Config, 'stackUpgrade' | 'stacksDirectory'>
  log: Logger
}
