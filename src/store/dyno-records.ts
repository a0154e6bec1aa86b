import type { DynoFacts, DynoLife, DynoRecord } from '../model/dyno.ts'
import type { AppId, OneOffId } from '../model/ids.ts'
import type { AskedOneOff, OneOff } from '../model/one-off.ts'

/**
 * What became of each dyno, as far as its engine does not say: whether it has been ready, that it
 * was not in its boot time, how it ended before it was started again. Written by the worker, each
 * when it changes.
 */
export interface DynoStateRecords {
  find(id: string): DynoRecord | undefined
  list(appId: AppId): DynoRecord[]
  /** Nothing happens when the app is gone. */
  put(dyno: DynoFacts, change: Pick<DynoRecord, 'state' | 'since' | 'exitStatus' | 'error'>): void
  /**
   * The engine went away: what it ran of the formations of all apps is down. Returns these as they
   * were.
   */
  lose(since: Date): DynoRecord[]
  /** The engine no longer has it. */
  forget(id: string): void
  /** Forgets the others that nothing was seen of since then. */
  keepOnly(ids: ReadonlySet<string>, since: Date): void
  /**
   * What webhooks are to be told of dynos, each once, of each dyno in order. That one which crashed
   * has come up again is told when it has been so for a minute: one that crashes again and again is
   * told of once.
   */
  takeNews(now: Date): DynoNews[]
}

export interface OneOffRecords {
  /**
   * Waiting, under a name that is free. The token, which one with an input has, is given this once;
   * the database has its SHA-256.
   * @throws one_offs_limit
   */
  create(oneOff: AskedOneOff): { oneOff: OneOff; token: string | null }
  find(id: OneOffId): OneOff | undefined
  findByName(appId: AppId, name: string): OneOff | undefined
  /** Oldest first; of one app or of all. */
  list(appId?: AppId): OneOff[]
  /** waiting → started, once: undefined for a second caller, and when it is gone. */
  start(id: OneOffId): OneOff | undefined
  /** Likewise, with its token, which can be used once and expires. */
  redeem(token: string): OneOff | undefined
  /** Those that waited too long for their client. */
  removeExpired(): void
  remove(id: OneOffId): void
}

/** `before`: the state that was told last. */
export type DynoNews = { kind: 'dyno'; appId: AppId; dyno: DynoRecord } & (
  | { action: 'create' | 'destroy' }
  | { action: 'update'; before: DynoLife }
)
