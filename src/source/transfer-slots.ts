import { PaasError } from '../errors.ts'
import type { Account } from '../model/account.ts'
import type { App } from '../model/app.ts'

/** Pushes and fetches at once, those that wait for their build included. */
export type TransferLimits = { perApp: number; perAccount: number }

/** Counts the pushes and fetches in progress, so that nobody fills the server with them. */
export class TransferSlots {
  readonly #limits: TransferLimits
  readonly #what: string
  readonly #taken = new Map<string, number>()

  /** @param what is counted, for the error message */
  constructor(limits: TransferLimits, what = 'pushes and fetches') {
    this.#limits = limits
    this.#what = what
  }

  /** @throws pushes_limit */
  check(app: App, account: Account): void {
    const { perApp, perAccount } = this.#limits
    if (this.#count(app.id) >= perApp) throw tooMany(`${perApp} ${this.#what} of ${app.name}`)
    if (this.#count(account.id) >= perAccount) throw tooMany(`${perAccount} ${this.#what} of ${account.email}`)
  }

  /** Takes a place until the result is disposed of. @throws pushes_limit */
  take(app: App, account: Account): Disposable {
    this.check(app, account)
    for (const key of [app.id, account.id]) this.#taken.set(key, this.#count(key) + 1)
    return {
      [Symbol.dispose]: () => {
        for (const key of [app.id, account.id]) this.#release(key)
      },
    }
  }

  #count(key: string): number {
    return this.#taken.get(key) ?? 0
  }

  #release(key: string): void {
    const left = this.#count(key) - 1
    if (left > 0) this.#taken.set(key, left)
    else this.#taken.delete(key)
  }
}

function tooMany(what: string): PaasError {
  return new PaasError('pushes_limit', `${what} are in progress, the limit.`)
}
