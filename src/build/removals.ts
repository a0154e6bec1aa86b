import type { Sandbox } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import type { AppId } from '../model/ids.ts'

/** Removals of sandboxes that nobody waits for: the build is decided. What stays is removed at the worker's next start. */
export class Removals {
  readonly #latest = new Map<AppId, Promise<void>>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  begin(appId: AppId, sandbox: Sandbox): void {
    const removal = this.#remove(sandbox).finally(() => {
      if (this.#latest.get(appId) === removal) this.#latest.delete(appId)
    })
    this.#latest.set(appId, removal)
  }

  /** Resolves when the app's last sandbox is gone, for those who need what it had mounted. */
  async finished(appId: AppId): Promise<void> {
    await this.#latest.get(appId)
  }

  async #remove(sandbox: Sandbox): Promise<void> {
    try {
      await sandbox[Symbol.asyncDispose]()
    } catch (error) {
      this.#log.warn({ err: error, sandbox: sandbox.id }, 'sandbox not removed')
    }
  }
}
