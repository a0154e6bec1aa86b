import type { AccountId } from '../model/ids.ts'

/** What an account's repositories grow by while it is held. */
export type RepositoryRoom = Disposable & {
  /**
   * Says that so many bytes come.
   * @throws account_limit when they are too many with all that came since the first one held it
   */
  take(bytes: number): void
}

type Shared = { before: Promise<number>; taken: number; holders: number }

/** Adds up what comes at the same time: each push alone would find the same room. */
export class RepositoryRooms {
  readonly #shared = new Map<AccountId, Shared>()

  /**
   * @param measure the bytes that there are, asked when nothing is on its way
   * @param check throws when that is too much in all
   */
  async hold(id: AccountId, measure: () => Promise<number>, check: (bytes: number) => void): Promise<RepositoryRoom> {
    const shared = this.#shared.get(id) ?? { before: measure(), taken: 0, holders: 0 }
    this.#shared.set(id, shared)
    shared.holders += 1
    using release = new DisposableStack()
    release.defer(() => {
      shared.holders -= 1
      if (shared.holders === 0) this.#shared.delete(id)
    })
    const before = await shared.before
    let own = 0
    const take = (bytes: number): void => {
      own += bytes
      shared.taken += bytes
      try {
        check(before + shared.taken)
      } catch (cause) {
        // A refused push gives its room back to the others.
        shared.taken -= own
        throw cause
      }
    }
    take(0)
    const held = release.move()
    return { take, [Symbol.dispose]: () => held.dispose() }
  }
}
