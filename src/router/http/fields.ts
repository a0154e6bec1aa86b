import type { Field } from './field.ts'
import { KnownLines } from './known-lines.ts'

export type { Field } from './field.ts'

/**
 * RFC 9112 section 5: a token, a colon without space before it, visible characters. Continued lines
 * (obs-fold), control characters and bare CR or LF do not match. Blanks around the value are left
 * to `trim`, so that a long line of them is read in linear time.
 */
const fieldLine = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)\r\n/y

/** More lines than this in one head are not a client's or an app's need. */
export const mostFields = 256

const knownLines = new KnownLines()

/**
 * Reads the lines of `text` from `start` to its end, each ended by CRLF.
 * @param text latin1: one character per byte
 * @returns undefined when a line is malformed or there are too many
 */
export function parseFields(text: string, start: number): Field[] | undefined {
  const fields: Field[] = []
  for (let at = start; at < text.length;) {
    const field = knownLines.at(text, at) ?? readLine(text, at)
    if (field === undefined || fields.length === mostFields) return undefined
    fields.push(field)
    at += field.line.length
  }
  return fields
}

function readLine(text: string, at: number): Field | undefined {
  fieldLine.lastIndex = at
  const match = fieldLine.exec(text)
  if (match === null) return undefined
  const field = { key: match[1]!.toLowerCase(), value: trimBlanks(match[2]!), line: match[0] }
  knownLines.add(field)
  return field
}

const keepAlive = ['keep-alive']

/** The members of a comma-separated list (RFC 9110 section 5.6.1), in lower case. */
export function listOf(value: string): string[] {
  if (value === 'keep-alive') return keepAlive
  return value
    .toLowerCase()
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
}

export function formatFields(fields: Field[]): string {
  let text = ''
  for (const { line } of fields) text += line
  return text
}

/** Without the optional blanks around it, which are SP and HTAB alone: RFC 9110 section 5.6.3. */
export function trimBlanks(value: string): string {
  let [from, to] = [0, value.length]
  while (from < to && isBlank(value.charCodeAt(from))) from++
  while (to > from && isBlank(value.charCodeAt(to - 1))) to--
  return value.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
