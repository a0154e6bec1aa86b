import type { AppId } from '../model/ids.ts'
import type { Visitor } from './visitor.ts'

/**
 * Counts each connection of a visitor for the app of its latest request, until it closes or asks
 * for another one, so that a flood of one app leaves connections to the others.
 */
export class AppConnections {
  readonly #most: number
  readonly #open = new Map<AppId, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** @returns false, and counts it as before, when the app has the most already */
  claim(visitor: Visitor, app: AppId): boolean {
    if (visitor.app === app) return true
    const open = this.#open.get(app) ?? 0
    if (open >= this.#most) return false
    this.leave(visitor)
    visitor.app = app
    this.#open.set(app, open + 1)
    return true
  }

  leave(visitor: Visitor): void {
    const { app } = visitor
    if (app === undefined) return
    visitor.app = undefined
    const left = this.#open.get(app)! - 1
    if (left > 0) this.#open.set(app, left)
    else this.#open.delete(app)
  }
}
