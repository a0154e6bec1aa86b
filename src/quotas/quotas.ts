import { PaasError } from '../errors.ts'
import type { Account } from '../model/account.ts'
import type { App } from '../model/app.ts'
import type { AccountId } from '../model/ids.ts'
import { counted, countedNames, type Counted, type Quota, type Usage } from '../model/quota.ts'
import type { Store } from '../store/store.ts'

type Deps = {
  store: Pick<Store, 'accounts' | 'accountUsage' | 'builds'>
  /** Of every account that was given nothing else, an admin's aside. */
  quota: Quota
}

/** How much an account may have, so that nobody takes the whole server. The owner of an app answers for it, whoever changes it. */
export class Quotas {
  readonly #deps: Deps
  /** Dynos that are being started and not on record yet. */
  readonly #reserved = new Map<AccountId, number>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** What it was given, else the server's; an admin has no limit that it was not given. */
  of({ id, admin }: Pick<Account, 'id' | 'admin'>): { quota: Quota; used: Usage } {
    const { store, quota: usual } = this.#deps
    const given = store.accountUsage.given(id)
    const limitOf = (what: Counted): number | null => {
      const own = given[what]
      if (own !== undefined) return own
      return admin ? null : usual[what]
    }
    const quota = Object.fromEntries(counted.map((what) => [what, limitOf(what)])) as Quota
    return { quota, used: store.accountUsage.used(id) }
  }

  /** Of one more app. @throws account_limit */
  checkApp(ownerId: AccountId): void {
    this.#check(ownerId, 'apps', 1)
  }

  /** Of so many more dynos, or so many that are on record already. @throws account_limit */
  checkDynos({ ownerId }: Pick<App, 'ownerId'>, more: number): void {
    this.#check(ownerId, 'dynos', more + (this.#reserved.get(ownerId) ?? 0))
  }

  /** Takes so many until they are on record, or not to be. Of none or less nothing is asked. @throws account_limit */
  reserveDynos(app: Pick<App, 'ownerId'>, more: number): Disposable {
    if (more <= 0) return { [Symbol.dispose]: () => undefined }
    const { ownerId } = app
    this.checkDynos(app, more)
    this.#reserve(ownerId, more)
    let held = more
    return {
      [Symbol.dispose]: () => {
        this.#reserve(ownerId, -held)
        held = 0
      },
    }
  }

  /** Of one more build of that app, which takes the place of one that waits. @throws account_limit */
  checkBuild({ id, ownerId }: Pick<App, 'id' | 'ownerId'>): void {
    const waiting = this.#deps.store.builds.listUnfinished(id).filter(({ state }) => state.kind === 'pending')
    this.#check(ownerId, 'builds', 1 - waiting.length)
  }

  /** Of one more one-off dyno. @throws account_limit */
  checkOneOff({ ownerId }: Pick<App, 'ownerId'>): void {
    this.#check(ownerId, 'one_offs', 1)
  }

  #reserve(ownerId: AccountId, more: number): void {
    const total = (this.#reserved.get(ownerId) ?? 0) + more
    if (total > 0) this.#reserved.set(ownerId, total)
    else this.#reserved.delete(ownerId)
  }

  #check(ownerId: AccountId, what: Counted, more: number): void {
    const account = this.#deps.store.accounts.find(ownerId)
    if (!account) return
    const { quota, used } = this.of(account)
    const [limit, total] = [quota[what], used[what] + more]
    if (limit === null || total <= limit) return
    throw new PaasError(
      'account_limit',
      `${account.email} would have ${total} ${countedNames[what]}; the limit is ${limit}.`,
      {
        hint: `${remedies[what]} The server's operator gives more with: paas accounts:limits ${account.email} ${what}=${total}`,
      },
    )
  }
}

const remedies: Record<Counted, string> = {
  apps: 'Destroy one that nobody needs, with: paas apps:destroy APP.',
  dynos: 'Scale something down, with: paas ps:scale TYPE=0 -a APP.',
  builds: 'Wait for one of them to end.',
  one_offs: 'Stop one, with: paas ps:stop run.1234 -a APP.',
}
