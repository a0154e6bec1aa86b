import type { Http2Stream } from 'node:http2'
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
  const { fields, isOpen } = readFieldLines(text, isTunnel ? 'sec-websocket-accept' : undefined)
  return { status: statusOf(text, isTunnel), fields, isOpen }
}

type Lines = { fields: string[]; isOpen: boolean; host: string; length: string | undefined }

/**
 * The lines after the first one.
 * @param without a field that is left out, as are those of a connection and Host
 */
export function readFieldLines(text: string, without?: string): Lines {
  const lines: Lines = { fields: [], isOpen: false, host: '', length: undefined }
  const [, ...rest] = text.split('\r\n')
  for (const line of rest) {
    const colon = line.indexOf(':')
    if (colon < 1) continue
    const name = line.slice(0, colon).toLowerCase()
    const value = trimBlanks(line.slice(colon + 1))
    if (name === 'transfer-encoding') lines.isOpen = true
    else if (name === 'host') lines.host = value
    else if (name !== without && !connectionOnly.has(name)) lines.fields.push(name, value)
    if (name === 'content-length') lines.length = value
  }
  return lines
}

/** 101 is 200 there, so that an app's 200 must not be: its client would begin to send frames. */
function statusOf(text: string, isTunnel: boolean): number {
  const status = Number(text.slice(9, 12))
  if (!isTunnel) return status
  if (status === 101) return 200
  return status >= 200 && status < 300 ? 502 : status
}

/**
 * As Node takes the fields of interim answers and trailers. Without a prototype: strangers choose
 * the names, and `constructor` is one.
 */
export function asObject(fields: string[]): Record<string, string[]> {
  const object = Object.create(null) as Record<string, string[]>
  for (let at = 0; at < fields.length; at += 2) (object[fields[at]!] ??= []).push(fields[at + 1]!)
  return object
}

/** Node throws what it finds in fields beyond HTTP's own rules: such a stream ends. */
export function orDestroy(stream: Http2Stream, send: () => void): void {
  if (stream.destroyed || stream.closed) return
  try {
    send()
  } catch (cause) {
    stream.destroy(cause as Error)
  }
}
