/** One header or trailer line. `key` is the name in lower case, which is what rules look at. */
export type Field = { name: string; key: string; value: string }

/**
 * RFC 9112 section 5: a token, a colon without space before it, visible characters. Continued lines (obs-fold),
 * control characters and bare CR or LF do not match.
 */
const fieldLine = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)\r\n/y

/** More lines than this in one head are not a client's or an app's need. */
const mostFields = 256

/**
 * Reads the lines of `text` from `start` to its end, each ended by CRLF.
 * @param text latin1: one character per byte
 * @returns undefined when a line is malformed or there are too many
 */
export function parseFields(text: string, start: number): Field[] | undefined {
  const fields: Field[] = []
  for (let at = start; at < text.length; at = fieldLine.lastIndex) {
    fieldLine.lastIndex = at
    const match = fieldLine.exec(text)
    if (match === null || fields.length === mostFields) return undefined
    const name = match[1]!
    fields.push({ name, key: name.toLowerCase(), value: trimEnd(match[2]!) })
  }
  return fields
}

/** The members of a comma-separated list (RFC 9110 section 5.6.1), in lower case. */
export function listOf(value: string): string[] {
  return value
    .toLowerCase()
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
}

export function formatFields(fields: Field[]): string {
  let text = ''
  for (const { name, value } of fields) text += `${name}: ${value}\r\n`
  return text
}

function trimEnd(value: string): string {
  const last = value.charCodeAt(value.length - 1)
  return last === 0x20 || last === 0x09 ? value.trimEnd() : value
}
