import type { Act, AuditEntry, AuditVerdict } from '../model/audit.ts'
import type { AppId } from '../model/ids.ts'

/** Which entries; each condition that is given must hold. */
export type AuditFilter = {
  appId?: AppId
  /** The whole email of the account. */
  email?: string
  /** Of the action: all of it, or its beginning up to a dot. */
  action?: string
  client?: string
  since?: Date
  until?: Date
  /** Entries with a greater number, or a smaller one. */
  after?: number
  before?: number
}

/** Who did what from where: only appended to, each entry with the hash of the one before. */
export interface AuditRecords {
  /**
   * The first transaction that changes something in `work`, later in what it began too, writes the
   * act as an entry of its own.
   */
  during<T>(act: Act, work: () => T): T
  /** What is known of the act in progress only now. Does nothing once it is written. */
  add(more: Partial<Pick<Act, 'app' | 'resource' | 'detail'>>): void
  /**
   * Ends an act: writes it when no transaction did, or with `failure` only when one did.
   * @param failure the code of the error that it ends with
   */
  end(act: Act, failure?: string): void
  /** Writes one that nothing else in the record belongs to. */
  append(act: Act): void
  /** Ascending; the newest ones, or with `after` the first ones. @param limit how many at most */
  list(filter: AuditFilter, limit: number): AuditEntry[]
  /** Looks through all of it, in steps between which other work goes on. */
  verify(): Promise<AuditVerdict>
}
