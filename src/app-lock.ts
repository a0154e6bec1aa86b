import { Mutex } from 'async-mutex'
import type { AppId } from './model/ids.ts'

/**
 * Runs work one at a time per app, in the order it came. Who holds several takes them in this
 * order: `Builds`, `Releases`, `Dynos`, each of which has its own.
 */
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
