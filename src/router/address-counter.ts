/** Counts the open connections from each address. */
export class AddressCounter {
  readonly #most: number
  readonly #open = new Map<string, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** @returns false, and does not count it, when the address has the most already */
  add(address: string): boolean {
    const block = blockOf(address)
    const open = this.#open.get(block) ?? 0
    if (open >= this.#most) return false
    this.#open.set(block, open + 1)
    return true
  }

  remove(address: string): void {
    const block = blockOf(address)
    const open = (this.#open.get(block) ?? 0) - 1
    if (open > 0) this.#open.set(block, open)
    else this.#open.delete(block)
  }
}

/** One IPv6 visitor has a whole /64. */
function blockOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const groups = head.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').length
  return [...groups, ...Array<string>(Math.max(0, missing)).fill('0')].slice(0, 4).join(':')
}
