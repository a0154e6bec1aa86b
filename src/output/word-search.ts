/** A part of a text, from its first character to behind its last. */
export type Span = { start: number; end: number }

/**
 * Finds each of many words in a text in one pass, however alike they are: steps are in proportion
 * to the text alone (A. V. Aho and M. J. Corasick, "Efficient String Matching", 1975). A state is
 * what has been read of some word; 0 is nothing.
 */
export class WordSearch {
  /** Transitions, keyed by state and character. */
  readonly #transitions = new Map<number, number>()
  readonly #characters = [0]
  readonly #parents = [0]
  /** The state of the longest end of what has been read that some word begins with. */
  readonly #fallbacks = [0]
  /** How long the longest word is that ends in a state. */
  readonly #lengths = [0]

  constructor(words: Iterable<string>) {
    for (const word of words) this.#add(word)
    this.#connect()
  }

  /** Where words are, in order; those that overlap are one span. */
  find(text: string): Span[] {
    const spans: Span[] = []
    let state = 0
    for (let end = 1; end <= text.length; end++) {
      state = this.#after(state, text.charCodeAt(end - 1))
      const length = this.#lengths[state] ?? 0
      if (length > 0) join(spans, { start: end - length, end })
    }
    return spans
  }

  #add(word: string): void {
    let state = 0
    for (let at = 0; at < word.length; at++) {
      const key = keyOf(state, word.charCodeAt(at))
      const next = this.#transitions.get(key) ?? this.#parents.length
      if (next === this.#parents.length) {
        this.#transitions.set(key, next)
        this.#parents.push(state)
        this.#characters.push(word.charCodeAt(at))
        this.#lengths.push(0)
      }
      state = next
    }
    this.#lengths[state] = word.length
  }

  /** The shorter first, since a state falls back to a shorter one. */
  #connect(): void {
    const depths = [0]
    for (let state = 1; state < this.#parents.length; state++) depths.push((depths[this.#parents[state] ?? 0] ?? 0) + 1)
    const states = depths.map((_, state) => state).toSorted((a, b) => (depths[a] ?? 0) - (depths[b] ?? 0))
    for (const state of states.slice(1)) {
      const parent = this.#parents[state] ?? 0
      const fallback = parent === 0 ? 0 : this.#after(this.#fallbacks[parent] ?? 0, this.#characters[state] ?? 0)
      this.#fallbacks[state] = fallback
      this.#lengths[state] ||= this.#lengths[fallback] ?? 0
    }
  }

  #after(from: number, character: number): number {
    for (let state = from; ; state = this.#fallbacks[state] ?? 0) {
      const next = this.#transitions.get(keyOf(state, character))
      if (next !== undefined) return next
      if (state === 0) return 0
    }
  }
}

function keyOf(state: number, character: number): number {
  return state * 0x10000 + character
}

function join(spans: Span[], { start, end }: Span): void {
  let first = start
  for (let last = spans.at(-1); last && last.end > first; last = spans.at(-1)) {
    first = Math.min(first, last.start)
    spans.pop()
  }
  spans.push({ start: first, end })
}
