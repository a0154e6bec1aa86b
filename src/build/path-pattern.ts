/**
 * One step of a pattern. `directories` is nothing, or anything that ends in a slash; `rest` is
 * anything.
 */
type Token =
  | { kind: 'character'; character: string }
  | { kind: 'set'; includes: (character: string) => boolean }
  | { kind: 'many' | 'one' | 'directories' | 'rest' }

/** What is told the steps that matching took. */
export type Effort = { spend(steps: number): void }

/** Characters between brackets: none of more is looked for, as it would be again and again. */
const longestSet = 200

/**
 * A pattern for paths: `*`, `?`, `[a-z]`, `**` and `\`. All ways to match are followed at once, one
 * character of the path after the other, so that no pattern takes more steps than its length times
 * the path's (R. Cox, "Regular Expression Matching Can Be Simple And Fast").
 */
export class PathPattern {
  readonly #tokens: Token[]
  #now: Places
  #next: Places

  constructor(text: string) {
    this.#tokens = tokensOf(text)
    this.#now = new Places(this.#tokens.length + 1)
    this.#next = new Places(this.#tokens.length + 1)
  }

  matches(path: string, effort: Effort): boolean {
    const end = this.#tokens.length
    let steps = 0
    this.#next.clear()
    this.#enter(0)
    for (const character of path) {
      ;[this.#now, this.#next] = [this.#next, this.#now]
      this.#next.clear()
      for (let index = 0; index < this.#now.size; index++) this.#follow(this.#now.at(index), character)
      steps += this.#now.size + 1
      if (this.#next.size === 0) break
    }
    effort.spend(steps)
    return this.#next.has(end)
  }

  #follow(place: number, character: string): void {
    const token = this.#tokens[place]
    if (!token) return
    if (token.kind === 'directories') this.#next.add(place)
    if (staysAt(token, character)) this.#enter(place)
    else if (takes(token, character)) this.#enter(place + 1)
  }

  /**
   * A place, and those behind it that are reached without a character: two at most, as `tokensOf`
   * sees to.
   */
  #enter(place: number): void {
    this.#next.add(place)
    const kind = this.#tokens[place]?.kind
    if (kind === 'many' || kind === 'rest' || kind === 'directories') this.#enter(place + 1)
  }
}

/** A set of places in a pattern, emptied in one step. */
class Places {
  size = 0
  readonly #places: Uint32Array
  /** By place, when it was added. */
  readonly #added: Uint32Array
  #clock = 1

  constructor(most: number) {
    this.#places = new Uint32Array(most)
    this.#added = new Uint32Array(most)
  }

  at(index: number): number {
    return this.#places[index] ?? 0
  }

  has(place: number): boolean {
    return this.#added[place] === this.#clock
  }

  add(place: number): void {
    if (this.has(place)) return
    this.#added[place] = this.#clock
    this.#places[this.size++] = place
  }

  clear(): void {
    this.size = 0
    this.#clock += 1
  }
}

function staysAt({ kind }: Token, character: string): boolean {
  return kind === 'rest' || (kind === 'many' && character !== '/')
}

function takes(token: Token, character: string): boolean {
  switch (token.kind) {
    case 'character':
      return token.character === character
    case 'set':
      return character !== '/' && token.includes(character)
    case 'one':
      return character !== '/'
    case 'directories':
      return character === '/'
    case 'many':
    case 'rest':
      return false
  }
}

function tokensOf(text: string): Token[] {
  const characters = Array.from(text)
  const tokens: Token[] = []
  for (let at = 0; at < characters.length;) {
    const { token, next } = tokenAt(characters, at)
    // Two in a row are one, and optional parts must not pile up: that would take exponential time.
    if (token.kind !== 'directories' || tokens.at(-1)?.kind !== 'directories') tokens.push(token)
    at = next
  }
  return tokens
}

function tokenAt(characters: string[], at: number): { token: Token; next: number } {
  const character = characters[at] ?? ''
  if (character === '*') return asterisks(characters, at)
  if (character === '?') return { token: { kind: 'one' }, next: at + 1 }
  if (character === '\\' && at + 1 < characters.length) return literal(characters, at + 1)
  return (character === '[' && setAt(characters, at)) || literal(characters, at)
}

function literal(characters: string[], at: number): { token: Token; next: number } {
  return { token: { kind: 'character', character: characters[at] ?? '' }, next: at + 1 }
}

function asterisks(characters: string[], at: number): { token: Token; next: number } {
  let next = at
  while (characters[next] === '*') next += 1
  const ends = next === characters.length
  const isAlone = (at === 0 || characters[at - 1] === '/') && (ends || characters[next] === '/')
  if (next - at < 2 || !isAlone) return { token: { kind: 'many' }, next }
  if (ends) return { token: { kind: 'rest' }, next }
  return { token: { kind: 'directories' }, next: next + 1 }
}

/**
 * `[a-c_]`, `[!a]` or `[^a]`; undefined for a bracket that is never closed, which stands for
 * itself.
 */
function setAt(characters: string[], at: number): { token: Token; next: number } | undefined {
  const isNegated = characters[at + 1] === '^' || characters[at + 1] === '!'
  const ranges: [string, string][] = []
  const first = at + (isNegated ? 2 : 1)
  for (let next = first; next < first + longestSet && next < characters.length; next++) {
    if (characters[next] === ']' && next > first) {
      const includes = (character: string) =>
        ranges.some(([from, to]) => from <= character && character <= to) !== isNegated
      return { token: { kind: 'set', includes }, next: next + 1 }
    }
    if (characters[next] === '\\') next += 1
    const from = characters[next] ?? ''
    const isRange = characters[next + 1] === '-' && characters[next + 2] !== ']' && next + 2 < characters.length
    if (isRange) next += 2
    ranges.push([from, characters[next] ?? ''])
  }
  return undefined
}
