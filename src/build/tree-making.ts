import { isDeepStrictEqual } from 'node:util'
import type { Image } from '../engine/engine.ts'
import type { KeptTree } from './trees.ts'

/** A tree, and the packs of the build that kept it. */
type Kept = { tree: KeptTree; packs: string[] }

type Underway = { kept: Kept; parts: Parts; image: Promise<Image>; cancel: AbortController }

/**
 * The image of a build's tree, which is made from its first part on while the build goes on.
 * Disposal ends that.
 */
export class TreeMaking implements Disposable {
  readonly #make: (kept: Kept, ready: AsyncIterable<unknown>, signal: AbortSignal) => Promise<Image>
  readonly #failure = Promise.withResolvers<never>()
  #underway: Underway | undefined

  /** @param make as a TreeMaker, for a build */
  constructor(make: (kept: Kept, ready: AsyncIterable<unknown>, signal: AbortSignal) => Promise<Image>) {
    this.#make = make
    // Nobody may wait beside.
    this.#failure.promise.catch(() => undefined)
  }

  /** What the work gives, unless the image cannot be made: then that is known at once. */
  beside<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#failure.promise])
  }

  /** The part is there. */
  part(kept: Kept, part: number): void {
    if (part === 1 && !this.#underway) this.#begin(kept)
    const { parts } = this.#underway ?? {}
    if (parts && this.#makes(kept) && part === parts.there + 1) parts.add()
  }

  /** All parts are there. */
  whole(kept: Kept): Promise<Image> {
    const { parts, image } = this.#underway && this.#makes(kept) ? this.#underway : this.#begin(kept)
    while (parts.there < kept.tree.parts) parts.add()
    return image
  }

  [Symbol.dispose](): void {
    this.#underway?.parts.end()
    this.#underway?.cancel.abort()
  }

  #makes(kept: Kept): boolean {
    return isDeepStrictEqual(this.#underway?.kept, kept)
  }

  #begin(kept: Kept): Underway {
    this[Symbol.dispose]()
    const [parts, cancel] = [new Parts(), new AbortController()]
    const image = this.#make(kept, parts, cancel.signal)
    image.catch((error: unknown) => {
      if (!cancel.signal.aborted) this.#failure.reject(error)
    })
    return (this.#underway = { kept, parts, image, cancel })
  }
}

/** How many parts are there. Each reader is told of all. */
class Parts implements AsyncIterable<number> {
  there = 0
  #ended = false
  #change = Promise.withResolvers<void>()

  add(): void {
    this.there += 1
    this.#changed()
  }

  /** No more come. */
  end(): void {
    this.#ended = true
    this.#changed()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<number> {
    for (let part = 1; ; part++) {
      while (part > this.there) {
        if (this.#ended) return
        await this.#change.promise
      }
      yield part
    }
  }

  #changed(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers()
  }
}
