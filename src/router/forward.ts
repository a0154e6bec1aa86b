import { formatConnection } from './connection-fields.ts'
import { formatFields, type Field } from './http/fields.ts'
import type { Framing } from './http/framing.ts'
import type { RequestHead } from './http/request-head.ts'
import type { ResponseHead } from './http/response-head.ts'
import type { Origin } from './origin.ts'

/** RFC 9110 section 7.6.1, and what is written again. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'content-length',
  'upgrade',
]

/**
 * Only the router says where a request came from. `Proxy` becomes HTTP_PROXY in CGI programs
 * (CVE-2016-5385).
 */
const notFromClients = new Set([
  ...hopByHop,
  'http2-settings',
  'proxy-authorization',
  'proxy',
  'x-request-id',
  'x-request-start',
  'x-real-ip',
  'forwarded',
])
const notFromApps = new Set(hopByHop)
const headersOnly =
  /^(host|authorization|cookie|set-cookie|via|trailer|expect|range|content-.*|cache-control|age|location)$/

/**
 * What the app is told about the connection that its request came on.
 * @param version of HTTP, spoken there
 */
export function formatOrigin({ address, scheme, port }: Origin, version: string): string {
  const forwarded = `X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: ${scheme}\r\nX-Forwarded-Port: ${port}\r\n`
  return `${forwarded}Via: ${version} paas\r\n`
}

/**
 * The head that the app gets, down to the empty line.
 * @param origin from `formatOrigin`
 */
export function formatRequestHead(request: RequestHead, requestId: string, origin: string): string {
  let text = `${request.method} ${request.target} HTTP/1.1\r\n`
  for (const { key, line } of request.fields) {
    if (!mayComeFromClient(key) || isHopField(request.hopFields, key)) continue
    // RFC 9110 section 10.1.1: HTTP/1.0 knows no 100 (Continue), so its client does not wait for
    // one.
    if (key === 'expect' && request.version === 0) continue
    text += line
  }
  text += `X-Request-Id: ${requestId}\r\nX-Request-Start: ${Date.now()}\r\n${origin}${formatFraming(request.framing)}`
  if (request.upgrade !== undefined) text += `Connection: Upgrade\r\nUpgrade: ${request.upgrade}\r\n`
  return `${text}\r\n`
}

/** `keptFor`: milliseconds that the connection may be idle afterwards; undefined: it is closed. */
type ResponseOptions = {
  framing: Framing
  keptFor: number | undefined
  date: string
  /** A line that says so to browsers, unless the app does. */
  hsts?: string
  /** Lines of the router's own. */
  more?: string | undefined
}

/** The head that the client gets, down to the empty line. */
export function formatResponseHead(
  response: ResponseHead,
  { framing, keptFor, date, hsts = '', more = '' }: ResponseOptions,
): string {
  let text = `HTTP/1.1 ${response.status} ${response.reason}\r\n`
  let hasDate = false
  let missing = hsts
  // RFC 9110 section 15.5.22: this answer is nothing without the field.
  const wantsUpgrade = response.status === 426
  for (const { key, line } of response.fields) {
    if (wantsUpgrade && key === 'upgrade') text += line
    if (notFromApps.has(key) && !isLengthWithoutBody(key, response, framing)) continue
    if (isHopField(response.hopFields, key)) continue
    if (key === 'date') hasDate = true
    if (key === 'strict-transport-security') missing = ''
    text += line
  }
  // RFC 9110 section 6.6.1: a proxy adds a missing date to a response.
  if (!hasDate) text += `Date: ${date}\r\n`
  text += `${missing}${more}Via: 1.1 paas\r\n${formatFraming(framing)}`
  return `${text}${formatConnection(keptFor, { upgrade: wantsUpgrade })}\r\n`
}

/** A 1xx response, passed on as it is: RFC 9110 section 15.2. */
export function formatInterimHead({ status, reason, fields, hopFields }: ResponseHead): string {
  const kept = fields.filter(({ key }) => !notFromApps.has(key) && !isHopField(hopFields, key))
  return `HTTP/1.1 ${status} ${reason}\r\n${formatFields(kept)}\r\n`
}

/** The answer that opens a tunnel. @param more lines of the router's own */
export function formatUpgradeHead({ status, reason, fields }: ResponseHead, more = ''): string {
  const kept = fields.filter(({ key }) => key === 'upgrade' || !notFromApps.has(key))
  return `HTTP/1.1 ${status} ${reason}\r\n${formatFields(kept)}${more}Connection: Upgrade\r\nVia: 1.1 paas\r\n\r\n`
}

/**
 * Trailers that a merging receiver could take for a header of the message are dropped: RFC 9110
 * section 6.5.1.
 */
export function safeTrailers(trailers: Field[]): Field[] {
  if (trailers.length === 0) return trailers
  return trailers.filter(({ key }) => {
    const name = withHyphens(key)
    return mayComeFromClient(name) && !headersOnly.test(name)
  })
}

function mayComeFromClient(key: string): boolean {
  const name = withHyphens(key)
  return !notFromClients.has(name) && !name.startsWith('x-forwarded-')
}

/** Behind CGI-like servers X_Real_IP and X-Real-IP are one variable. */
function withHyphens(key: string): string {
  return key.includes('_') ? key.replaceAll('_', '-') : key
}

function formatFraming(framing: Framing): string {
  if (framing.kind === 'length') return `Content-Length: ${framing.length}\r\n`
  return framing.kind === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : ''
}

/** The length in an answer to HEAD, and in a 304, tells of a body that is not there. */
function isLengthWithoutBody(key: string, { status }: ResponseHead, framing: Framing): boolean {
  return key === 'content-length' && framing.kind === 'none' && status >= 200 && status !== 204
}

/**
 * `Connection` may name fields for one hop; those that carry the message are not taken away by it.
 */
function isHopField(hopFields: string[], key: string): boolean {
  return hopFields.length > 0 && hopFields.includes(key)
}
