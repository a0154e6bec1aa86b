/** Milliseconds of silence after which people wonder whether anything is going on. */
const patience = 4000

/**
 * Passes a build's output on, and whenever nothing came for some seconds says which step it is at
 * and for how long: `Installing dependencies... 12s`.
 */
export class Pulse implements Disposable {
  readonly #write: (text: string) => void
  #step = 'Preparing the build'
  #since = performance.now()
  #timer: NodeJS.Timeout | undefined

  /** @param write gets whole lines */
  constructor(write: (text: string) => void) {
    this.#write = write
    this.#wait()
  }

  readonly write = (text: string): void => {
    const step = [...text.matchAll(/^-----> (.+?)(?:\.\.\.)?$/gm)].at(-1)?.[1]
    if (step !== undefined) {
      this.#step = step
      this.#since = performance.now()
    }
    this.#write(text)
    this.#wait()
  };

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #wait(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const seconds = Math.round((performance.now() - this.#since) / 1000)
      this.#write(`       ${this.#step}... ${seconds}s\n`)
      this.#wait()
    }, patience).unref()
  }
}
