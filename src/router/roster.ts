/** What a roster has. `place`: where it is there; -1 while it is in none. */
type Placed = { place: number }

/**
 * Members that come and go in great number, in no order. A `Set` makes itself a new table whenever
 * the last one is full of gaps. V8 links the old table to the new one, and once a table is among
 * old objects all that hangs on it is taken for alive until old objects are collected: whatever was
 * in it becomes old with it. Here the place of one that leaves is the next one's; decision 175.
 */
export class Roster<T extends Placed> {
  /** Never shortened, for the same reason: as long as there were members at once. */
  readonly #members: (T | undefined)[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(member: T): void {
    member.place = this.#size
    this.#members[this.#size++] = member
  }

  /** Nothing where it is not in. */
  delete(member: T): void {
    const { place } = member
    if (place === -1) return
    const last = this.#members[--this.#size]!
    this.#members[this.#size] = undefined
    if (last !== member) this.#members[(last.place = place)] = last
    member.place = -1
  }

  /** Who is in now, whoever leaves meanwhile. */
  all(): T[] {
    return this.#members.slice(0, this.#size) as T[]
  }
}
