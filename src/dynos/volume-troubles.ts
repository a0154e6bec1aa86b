import { asPaasError } from '../errors.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { AppId } from '../model/ids.ts'

/**
 * Volumes that keep dynos from starting, which nobody waits for: each reason is told in the app's
 * log once, however often it is tried again.
 */
export class VolumeTroubles {
  readonly #platformLog: Pick<PlatformLog, 'api'>
  readonly #told = new Map<AppId, string>()

  constructor({ platformLog }: { platformLog: Pick<PlatformLog, 'api'> }) {
    this.#platformLog = platformLog
  }

  /** @returns nothing where a volume is the reason that nothing started */
  async unless<T>(appId: AppId, start: Promise<T>): Promise<T | undefined> {
    try {
      const started = await start
      this.#told.delete(appId)
      return started
    } catch (cause) {
      const { code, message, hint } = asPaasError(cause)
      if (code !== 'volume_in_use' && code !== 'volume_missing') throw cause
      if (this.#told.get(appId) !== message) this.#platformLog.api(appId, [message, hint].join(' ').trim())
      this.#told.set(appId, message)
      return undefined
    }
  }
}
