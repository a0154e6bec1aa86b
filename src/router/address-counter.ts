import { clientNetwork } from '../model/client-network.ts'

/** Counts the open connections from each client. */
export class AddressCounter {
  readonly #most: number
  readonly #open = new Map<string, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** @returns false, and does not count it, when the address has the most already */
  add(address: string): boolean {
    const block = clientNetwork(address)
    const open = this.#open.get(block) ?? 0
    if (open >= this.#most) return false
    this.#open.set(block, open + 1)
    return true
  }

  remove(address: string): void {
    const block = clientNetwork(address)
    const open = (this.#open.get(block) ?? 0) - 1
    if (open > 0) this.#open.set(block, open)
    else this.#open.delete(block)
  }
}
