import { PaasError } from '../errors.ts'
import type { Account } from '../model/account.ts'
import type { App } from '../model/app.ts'
import type { AccountId, AppId } from '../model/ids.ts'
import { limited, limitedNames, type Counted, type Limited, type Quota, type Usage } from '../model/quota.ts'
import type { Store } from '../store/store.ts'
import { RepositoryRooms, type RepositoryRoom } from './repository-rooms.ts'

type Deps = {
  store: Pick<Store, 'accounts' | 'accountUsage' | 'builds'>
  repositories: { bytesOf(appIds: AppId[]): Promise<number> }
  /** The quota of accounts without one of their own, except admins. */
  quota: Quota
}

/**
 * How much an account may have, so that nobody takes the whole server. Everything counts for the
 * owner of the app.
 */
export class Quotas {
  readonly #deps: Deps
  /** Dynos that are being started and not in the database yet. */
  readonly #reserved = new Map<AccountId, number>()
  readonly #rooms = new RepositoryRooms()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** What it was given, else the server's; an admin has no limit that it was not given. */
  of({ id, admin }: Pick<Account, 'id' | 'admin'>): { quota: Quota; used: Usage } {
    const { store, quota: usual } = this.#deps
    const given = store.accountUsage.given(id)
    const limitOf = (what: Limited): number | null => {
      const own = given[what]
      if (own !== undefined) return own
      return admin ? null : usual[what]
    }
    const quota = Object.fromEntries(limited.map((what) => [what, limitOf(what)])) as Quota
    return { quota, used: store.accountUsage.used(id) }
  }

  /** MiB of all its repositories, rounded up. */
  async repositoryMiB(id: AccountId): Promise<number> {
    const { store, repositories } = this.#deps
    return Math.ceil((await repositories.bytesOf(store.accountUsage.appIds(id))) / 2 ** 20)
  }

  /**
   * For data about to enter the app's repository.
   * @throws account_limit when its owner's are full
   */
  async holdRepositoryRoom({ ownerId }: Pick<App, 'ownerId'>): Promise<RepositoryRoom> {
    const { store, repositories } = this.#deps
    const account = store.accounts.find(ownerId)
    const limit = account ? this.of(account).quota.repository_mib : null
    if (!account || limit === null) return { take: () => undefined, [Symbol.dispose]: () => undefined }
    const measure = (): Promise<number> => repositories.bytesOf(store.accountUsage.appIds(ownerId))
    return this.#rooms.hold(ownerId, measure, (bytes) => {
      const total = Math.ceil((bytes + 1) / 2 ** 20)
      if (total > limit) throw limitError(account, 'repository_mib', { total, limit })
    })
  }

  /** Checks room for one more app. @throws account_limit */
  checkApp(ownerId: AccountId): void {
    this.#check(ownerId, 'apps', 1)
  }

  /** Checks room for `more` dynos, new or in the database already. @throws account_limit */
  checkDynos({ ownerId }: Pick<App, 'ownerId'>, more: number): void {
    this.#check(ownerId, 'dynos', more + (this.#reserved.get(ownerId) ?? 0))
  }

  /**
   * Takes so many until they are in the database, or not to be. Of none or less nothing is asked.
   * @throws account_limit
   */
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

  /**
   * Checks room for one more build of the app; it replaces a waiting one.
   * @throws account_limit
   */
  checkBuild({ id, ownerId }: Pick<App, 'id' | 'ownerId'>): void {
    const waiting = this.#deps.store.builds.listUnfinished(id).filter(({ state }) => state.kind === 'pending')
    this.#check(ownerId, 'builds', 1 - waiting.length)
    this.#check(ownerId, 'builds_per_hour', 1, (limit) => this.#nextBuild(ownerId, limit))
  }

  /** Checks room for one more one-off dyno. @throws account_limit */
  checkOneOff({ ownerId }: Pick<App, 'ownerId'>): void {
    this.#check(ownerId, 'one_offs', 1)
  }

  #reserve(ownerId: AccountId, more: number): void {
    const total = (this.#reserved.get(ownerId) ?? 0) + more
    if (total > 0) this.#reserved.set(ownerId, total)
    else this.#reserved.delete(ownerId)
  }

  /** So many builds an hour: one is taken again an hour after the oldest of the last so many. */
  #nextBuild(ownerId: AccountId, limit: number): string {
    const oldest = this.#deps.store.accountUsage.buildsTaken(ownerId).at(-limit)
    if (!oldest) return ''
    const next = new Date(oldest.getTime() + 3_600_000)
    return `The next one is accepted at ${next.toISOString().slice(11, 16)} UTC.`
  }

  #check(ownerId: AccountId, what: Counted, more: number, remedy = (_limit: number): string => remedies[what]): void {
    const account = this.#deps.store.accounts.find(ownerId)
    if (!account) return
    const { quota, used } = this.of(account)
    const [limit, total] = [quota[what], used[what] + more]
    if (limit === null || total <= limit) return
    throw limitError(account, what, { total, limit }, remedy(limit))
  }
}

function limitError(
  { email }: Account,
  what: Limited,
  { total, limit }: { total: number; limit: number },
  remedy = remedies[what],
): PaasError {
  const message = `${email} would have ${total} ${limitedNames[what]}; the limit is ${limit}.`
  const more = `The server's operator raises the limit with: paas accounts:limits ${email} ${what}=${total}`
  return new PaasError('account_limit', message, { hint: `${remedy} ${more}` })
}

const remedies: Record<Limited, string> = {
  apps: 'Destroy one that nobody needs, with: paas destroy APP.',
  dynos: 'Scale something down, with: paas ps:scale TYPE=0 -a APP.',
  builds: 'Wait for one of them to end.',
  builds_per_hour: 'Wait until an hour after one of them.',
  one_offs: 'Stop one, with: paas ps:stop run.1234 -a APP.',
  repository_mib: 'Destroy an app that nobody needs, with: paas destroy APP.',
}
