import type Docker from 'dockerode'
import type { Dyno } from '../engine.ts'

type Listed = Pick<Docker.ContainerInfo, 'Id' | 'State' | 'NetworkSettings'>

/**
 * What the engine said of each dyno when it was last inspected, for looks at all of them: of a
 * thousand hardly one has changed since the look before. Nothing is kept unless the engine's events
 * are followed, since it is an event that makes a view old.
 */
export class DynoViews {
  readonly #views = new Map<string, { dyno: Dyno; seenAs: string }>()
  #following = false
  /** The number of events so far: a view from before an event is not kept after it. */
  #events = 0

  /** From here on `changed` is told of every event, until disposal. */
  follow(): Disposable {
    this.#following = true
    return {
      [Symbol.dispose]: () => {
        this.#following = false
        this.#events++
        this.#views.clear()
      },
    }
  }

  changed(id: string): void {
    this.#events++
    this.#views.delete(id)
  }

  /**
   * The view that is kept, if the engine's list agrees with it, else a new one.
   * @param listed as the engine lists the container now
   */
  async see(listed: Listed, inspect: () => Promise<Dyno | undefined>): Promise<Dyno | undefined> {
    const seenAs = summaryOf(listed)
    const known = this.#views.get(listed.Id)
    if (known?.seenAs === seenAs) return known.dyno
    const before = this.#events
    const dyno = await inspect()
    if (dyno && this.#following && this.#events === before) this.#views.set(listed.Id, { dyno, seenAs })
    return dyno
  }
}

/** State that changes without a followed event: the end of a pause, a disconnected network. */
function summaryOf({ State, NetworkSettings }: Listed): string {
  return JSON.stringify([State, Object.values(NetworkSettings.Networks).map(({ IPAddress }) => IPAddress)])
}
