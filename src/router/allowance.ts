/** Lets through so much in a second, and `burst` at once. */
export class Allowance {
  readonly #perSecond: number
  readonly #burst: number
  #left: number
  #at = performance.now()

  constructor({ perSecond, burst }: { perSecond: number; burst: number }) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#left = burst
  }

  /** @returns false when it is more than there is left, of which nothing is taken then */
  take(amount: number): boolean {
    const now = performance.now()
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#at) / 1000) * this.#perSecond)
    this.#at = now
    if (amount > this.#left) return false
    this.#left -= amount
    return true
  }
}
