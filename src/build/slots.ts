import { Semaphore } from 'async-mutex'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Build } from '../model/build.ts'

/** Milliseconds between two looks at the memory of the machine. */
const lookEvery = 1000

/** One in the line of builds: those that compile, and those that wait, in the order they came. */
type Place = { begunAt: number | undefined; needs: number; tell: Tell }
/** Told what the build waits for, whenever that changes. */
type Tell = (text: string) => void

type SlotsDeps = {
  /** How many builds of all apps compile at once. */
  count: number
  /**
   * What of the machine's memory is too little for one more build, in words.
   * @param begun when those that compile began (performance.now)
   */
  shortage: (begun: number[]) => Promise<string | undefined>
}

/** Decides which builds of all apps compile now, and tells the others what they wait for. */
export class BuildSlots {
  readonly #count: number
  readonly #shortage: SlotsDeps['shortage']
  readonly #semaphore: Semaphore
  readonly #line: Place[] = []

  constructor({ count, shortage }: SlotsDeps) {
    this.#count = count
    this.#shortage = shortage
    this.#semaphore = new Semaphore(count)
  }

  /**
   * One that a worker was lost with may be why: it is built alone, so that no other one is blamed
   * the next time. One that is told to stop has nothing to build, and waits for no slot.
   * @returns what frees the slot
   */
  async take({ losses }: Pick<Build, 'losses'>, stop: AbortSignal, tell: Tell = () => undefined): Promise<() => void> {
    const place: Place = { begunAt: undefined, needs: losses > 0 ? this.#count : 1, tell }
    this.#line.push(place)
    if (this.#semaphore.getValue() < place.needs) this.#tellAhead(place)
    const slot = this.#semaphore.acquire(place.needs)
    const told = stop.aborted ? undefined : once(stop, 'abort').then(() => undefined)
    const free = await Promise.race([slot.then(([, release]) => release), told])
    if (free) await this.#untilMemory(place, stop)
    else void slot.then(([, release]) => release())
    if (free && !stop.aborted) return () => this.#leave(place, free)
    this.#leave(place, free)
    return () => undefined
  }

  /** One build is always allowed, whatever else the machine does. */
  async #untilMemory(place: Place, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const begun = this.#line.flatMap(({ begunAt }) => begunAt ?? [])
      const shortage = begun.length > 0 ? await this.#shortage(begun) : undefined
      if (shortage === undefined) break
      place.tell(`Waiting for memory: ${shortage}`)
      await delay(lookEvery, undefined, { signal: stop }).catch(() => undefined)
    }
    place.begunAt = performance.now()
  }

  #leave(place: Place, free: (() => void) | undefined): void {
    const index = this.#line.indexOf(place)
    if (index < 0) return
    this.#line.splice(index, 1)
    free?.()
    // Whoever has this slot now begins first.
    setImmediate(() => {
      const waiting = this.#line.slice(index).filter(({ begunAt }) => begunAt === undefined)
      for (const behind of waiting) if (this.#semaphore.getValue() < behind.needs) this.#tellAhead(behind)
    })
  }

  #tellAhead(place: Place): void {
    const ahead = this.#line.indexOf(place)
    place.tell(`Waiting for ${ahead} build${ahead === 1 ? '' : 's'} ahead`)
  }
}
