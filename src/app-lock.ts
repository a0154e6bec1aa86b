import { Mutex } from 'async-mutex'
import type { AppId } from './model/ids.ts'

/** Runs work one at a time per app, in the order it came. */
export class AppLock {
  readonly #mutexes = new Map<AppId, Mutex>()

  async run<T>(appId: AppId, work: () => Promise<T>): Promise<T> {
    const mutex = this.#mutexes.get(appId) ?? new Mutex()
    this.#mutexes.set(appId, mutex)
    try {
      return await mutex.runExclusive(work)
    } finally {
      if (!mutex.isLocked()) this.#mutexes.delete(appId)
    }
  }

  isHeld(appId: AppId): boolean {
    return this.#mutexes.get(appId)?.isLocked() ?? false
  }
}

/**
 * What is done one at a time per app. Taken in this order, never backwards: a build holds `builds` to its end, a release `releases`
 * from its number to its verdict, and whoever changes what runs `dynos`.
 */
export class AppLocks {
  readonly builds = new AppLock()
  readonly releases = new AppLock()
  readonly dynos = new AppLock()
}
