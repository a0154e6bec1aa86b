import { clientNetwork } from '../../model/client-network.ts'
import type { Store } from '../../store/store.ts'

/** Entries in an hour: strangers must not push what others did out of the log. */
const mostPerHour = 500
const hour = 3_600_000

/**
 * Writes logins that failed into the audit log, not more than so many. `now` is monotonic
 * milliseconds.
 */
export class FailedLogins {
  readonly #store: Pick<Store, 'accounts' | 'audit'>
  readonly #now: () => number
  #since: number
  #written = 0

  constructor(store: Pick<Store, 'accounts' | 'audit'>, now: () => number = () => performance.now()) {
    this.#store = store
    this.#now = now
    this.#since = now()
  }

  /**
   * An email that is no account's is not written: people type their password there.
   * @param reason the code of the error
   */
  note({ client, email }: { client: string; email: string }, reason: string): void {
    if (this.#now() - this.#since > hour) [this.#since, this.#written] = [this.#now(), 0]
    this.#written += 1
    if (this.#written > mostPerHour) return
    const isLast = this.#written === mostPerHour
    const account = this.#store.accounts.find(email)
    this.#store.audit.append({
      action: 'login.fail',
      account: account ? { id: account.id, email: account.email } : null,
      via: 'none',
      token: null,
      client: clientNetwork(client) || null,
      app: null,
      resource: null,
      detail: { reason, ...(isLast ? { not_written_for_an_hour: true } : {}) },
    })
  }
}
