import type { AddonUpgrade, AddonUpgradeState } from '../model/addon-upgrade.ts'
import type { AddonId, AddonUpgradeId } from '../model/ids.ts'

export interface AddonUpgradeRecords {
  /** @throws upgrade_under_way where there is an open one */
  ask(upgrade: Pick<AddonUpgrade, 'addonId' | 'accountId' | 'version' | 'isRehearsal'>): AddonUpgrade
  find(id: AddonUpgradeId): AddonUpgrade | undefined
  /** The one that an add-on was made by. */
  findByFork(forkId: AddonId): AddonUpgrade | undefined
  setState(id: AddonUpgradeId, state: AddonUpgradeState): void
  setRehearsed(id: AddonUpgradeId, seconds: number): void
  setFork(id: AddonUpgradeId, forkId: AddonId): void
  /** The newest first. */
  list(addonId: AddonId): AddonUpgrade[]
  /** The oldest first. */
  listOpen(): AddonUpgrade[]
}
