import { trimBlanks } from '../http/fields.ts'

/** The head of an answer, as a stream has it. */
export type StreamHead = {
  status: number
  /** Names and values in turn. */
  fields: string[]
  /** Its body's end is not known before, and fields may follow it. */
  isOpen: boolean
}

/** RFC 9113 section 8.2.2; `te` means nothing in an answer. */
const connectionOnly = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'te',
])

/**
 * @param text as HTTP/1.1 has it, without the empty line
 * @param isTunnel it answers who wants a WebSocket: RFC 8441 section 5
 */
export function readAnswerHead(text: string, isTunnel: boolean): StreamHead {
  const [statusLine = '', ...lines] = text.split('\r\n')
  const head: StreamHead = { status: statusOf(statusLine, isTunnel), fields: [], isOpen: false }
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon < 1) continue
    const name = line.slice(0, colon).toLowerCase()
    if (name === 'transfer-encoding') head.isOpen = true
    if (connectionOnly.has(name) || (isTunnel && name === 'sec-websocket-accept')) continue
    head.fields.push(name, trimBlanks(line.slice(colon + 1)))
  }
  return head
}

/** 101 is 200 there, so that an app's 200 must not be: its client would begin to send frames. */
function statusOf(statusLine: string, isTunnel: boolean): number {
  const status = Number(statusLine.slice(9, 12))
  if (!isTunnel) return status
  if (status === 101) return 200
  return status >= 200 && status < 300 ? 502 : status
}

/** As Node takes the fields of interim answers and trailers. */
export function asObject(fields: string[]): Record<string, string[]> {
  const object: Record<string, string[]> = {}
  for (let at = 0; at < fields.length; at += 2) (object[fields[at]!] ??= []).push(fields[at + 1]!)
  return object
}
