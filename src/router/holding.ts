import type { AppId } from '../model/ids.ts'
import type { RouterContext } from './context.ts'
import type { HeldRequest } from './held-requests.ts'

/** Milliseconds until a dyno that refused a request is asked again. */
const retryInterval = 100

/** The waits of one request for its app's next dyno, which together have one time limit. */
export class Holding {
  readonly #context: Pick<RouterContext, 'held' | 'limits'>
  readonly #held: HeldRequest
  readonly #since = performance.now()
  #appId: AppId | undefined

  constructor(context: Pick<RouterContext, 'held' | 'limits'>, held: HeldRequest) {
    this.#context = context
    this.#held = held
  }

  /**
   * @param again whether to go on soon, though the route stays as it is
   * @returns the milliseconds that are left to wait; 0: it may not wait
   */
  begin(appId: AppId, { again }: { again: boolean }): number {
    const { held, limits } = this.#context
    const left = limits.hold.time - (performance.now() - this.#since)
    if (left <= 0 || !held.add(appId, this.#held)) return 0
    this.#appId = appId
    if (again) setTimeout(() => this.#held.proceed(), retryInterval).unref()
    return left
  }

  end(): void {
    if (this.#appId !== undefined) this.#context.held.remove(this.#appId, this.#held)
    this.#appId = undefined
  }
}
