import type { AccountId, AddonId, AddonUpgradeId } from './ids.ts'

/**
 * An add-on that becomes one of another version: tried on a copy, then made of a second copy while
 * its writes are held, which takes its place.
 */
export type AddonUpgrade = {
  id: AddonUpgradeId
  addonId: AddonId
  /** Who asked for it; null when that account is gone. */
  accountId: AccountId | null
  version: string
  /** Only to be tried. */
  isRehearsal: boolean
  state: AddonUpgradeState
  /** Seconds that it took with a copy; null: not known yet. */
  rehearsed: number | null
  /** What takes its place, from when that is begun. */
  forkId: AddonId | null
  createdAt: Date
  endedAt: Date | null
}

export type AddonUpgradeState =
  | { kind: 'asked' }
  /** It is served as ever. */
  | { kind: 'rehearsing' }
  /** It is read-only. */
  | { kind: 'holding' }
  | { kind: 'succeeded' }
  | { kind: 'failed'; reason: string }
  | { kind: 'cancelled' }

/** Milliseconds for which a rehearsal is as good as one made now. */
export const rehearsalAge = 3600_000

export function isUnderWay({ state: { kind } }: Pick<AddonUpgrade, 'state'>): boolean {
  return kind === 'asked' || kind === 'rehearsing' || kind === 'holding'
}

/**
 * Seconds after which writes are not held any longer: then the old one goes on. Whoever confirms an
 * upgrade is told so. A busy machine may take two or three times as long as the copy took.
 */
export function longestHold(rehearsed: number): number {
  return Math.ceil(rehearsed) * 3 + 20
}
