import type { Field } from './field.ts'

/** Lines kept at once, a power of 2, and the characters of the longest. */
const places = 1024
const longest = 200
/** Of new lines every so manieth is kept: those that come once cost little, others get in soon. */
const every = 8

/** What says who somebody is stays in memory no longer than its request. */
const secret = /^(authorization|proxy-authorization|cookie|set-cookie)$/

/**
 * Lines that were read before, as most of a head were: browsers and apps say the same again and
 * again. To find one takes a comparison, where to read it takes a regular expression. Each has one
 * place, by its length and two of its characters, where a later one takes its place.
 */
export class KnownLines {
  readonly #lines = Array.from<Field | undefined>({ length: places })
  #turn = 0

  /** @returns the line that `text` has at this offset, if it is known */
  at(text: string, offset: number): Field | undefined {
    const length = text.indexOf('\n', offset) + 1 - offset
    if (length < 4 || length > longest) return undefined
    const known = this.#lines[placeOf(text, offset, length)]
    return known !== undefined && known.line.length === length && text.startsWith(known.line, offset)
      ? known
      : undefined
  }

  add(field: Field): void {
    const { key, value, line } = field
    this.#turn = (this.#turn + 1) % every
    if (this.#turn !== 0 || line.length > longest || secret.test(key)) return
    // Copies: parts of a head would keep all of it.
    this.#lines[placeOf(line, 0, line.length)] = { key: copyOf(key), value: copyOf(value), line: copyOf(line) }
  }
}

function placeOf(text: string, offset: number, length: number): number {
  const middle = text.charCodeAt(offset + (length >> 1))
  const late = text.charCodeAt(offset + length - 4)
  return (length * 37 + text.charCodeAt(offset) * 7 + middle * 131 + late * 17) & (places - 1)
}

function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
