import { listOf, parseFields, type Field } from './fields.ts'
import { declaredFraming, noBody, type Framing } from './framing.ts'
import { hasBareNewline } from './head-end.ts'

export type ResponseHead = {
  status: number
  reason: string
  fields: Field[]
  framing: Framing
  /** The app leaves its connection open after this response. */
  keepAlive: boolean
  /** Lower-case field names that Connection declares to be for this hop only. */
  hopFields: string[]
}

const statusLine = /HTTP\/1\.(\d) ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/y

/** What every answer begins with, in latin1. */
const begin = 'HTTP/1.'

/** Whether these first bytes of an answer can become a head. */
export function mayBecomeResponseHead(bytes: Buffer, from: number): boolean {
  const first = bytes.toString('latin1', from, from + begin.length)
  return begin.startsWith(first) && !hasBareNewline(bytes, from)
}

/**
 * Reads the head of a response as strictly as a request's: an app may be hostile too.
 * @param text latin1, from the version to the CRLF of the last field
 * @param method of the request: a response to HEAD has no body
 * @returns a string when it is malformed: the reason
 */
export function parseResponseHead(text: string, method: string): ResponseHead | string {
  statusLine.lastIndex = 0
  const line = statusLine.exec(text)
  if (line === null) return 'the status line is malformed'
  const status = Number(line[2])
  const fields = parseFields(text, statusLine.lastIndex)
  if (fields === undefined) return 'a header line is malformed, or there are too many'
  const declared = declaredFraming(fields)
  if (typeof declared === 'string') return declared
  if (declared?.kind === 'chunked' && line[1] === '0') return 'HTTP/1.0 does not allow Transfer-Encoding'
  const framing = isBodiless(status, method) ? noBody : (declared ?? { kind: 'close' })
  const { keepAlive, hopFields } = readConnection(fields, line[1] !== '0', framing)
  return { status, reason: line[3] ?? '', fields, framing, keepAlive, hopFields }
}

/** RFC 9110 section 6.4.1. */
function isBodiless(status: number, method: string): boolean {
  return method === 'HEAD' || status < 200 || status === 204 || status === 304
}

function readConnection(fields: Field[], keepAliveByDefault: boolean, framing: Framing) {
  let hopFields: string[] = []
  for (const { key, value } of fields) {
    if (key === 'connection') hopFields = hopFields.concat(listOf(value))
  }
  const keepAlive = keepAliveByDefault ? !hopFields.includes('close') : hopFields.includes('keep-alive')
  return { keepAlive: keepAlive && framing.kind !== 'close', hopFields }
}
