import { listOf, parseFields, type Field } from './fields.ts'
import { declaredFraming, noBody, type Framing } from './framing.ts'
import { parseHost } from './host.ts'

export type RequestHead = {
  method: string
  /** Origin form (`/path?query`), or `*`. */
  target: string
  /** The minor version of HTTP/1. */
  version: 0 | 1
  fields: Field[]
  /** The value of Host as it came. */
  authority: string
  /** Lower-case host name without port. */
  host: string
  framing: Framing
  keepAlive: boolean
  /** What the client wants to change to, as it named it; never h2c. */
  upgrade: string | undefined
  /** Lower-case field names that Connection declares to be for this hop only. */
  hopFields: string[]
}

/** A request that is answered by the router itself, and the connection closed. */
export type Refusal = { refused: number; reason: string }

const requestLine = /([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([\x21-\x7e]+) HTTP\/(\d)\.(\d)\r\n/y
const longestTarget = 16_384
const repeatable = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/**
 * Reads the head of a request; RFC 9112 sections 3 and 5, RFC 9110 section 7. Whatever a parser
 * behind us might read differently is refused, never mended.
 * @param text latin1, from the method to the CRLF of the last field
 */
export function parseRequestHead(text: string): RequestHead | Refusal {
  requestLine.lastIndex = 0
  const line = requestLine.exec(text)
  if (line === null) return refuse(400, 'the request line is malformed')
  const [, method, target, major, minor] = line as unknown as [string, string, string, string, string]
  if (major !== '1') return refuse(505, 'only HTTP/1.0 and HTTP/1.1 are supported')
  if (target.length > longestTarget) return refuse(414, `the target is longer than ${longestTarget} bytes`)
  const fields = parseFields(text, requestLine.lastIndex)
  if (fields === undefined) return refuse(400, 'a header line is malformed, or there are too many')
  // RFC 9110 section 2.5: a later minor version is read as the latest one known.
  return readFields({ method, target, version: minor === '0' ? 0 : 1, fields })
}

/** Its client asked to close after the answer, and has nothing to send until then. */
export function isLast({ keepAlive, framing, upgrade }: RequestHead): boolean {
  return !keepAlive && framing.kind === 'none' && upgrade === undefined
}

/**
 * Sending it twice does no harm (RFC 9110 section 9.2.2), and there is no body that is gone
 * already.
 */
export function isRepeatable({ method, framing, upgrade }: RequestHead): boolean {
  return framing.kind === 'none' && upgrade === undefined && repeatable.has(method)
}

type Read = Pick<RequestHead, 'method' | 'target' | 'version' | 'fields'>

function readFields(read: Read): RequestHead | Refusal {
  let host: string | undefined
  let connection = ''
  let upgrade: string | undefined
  for (const { key, value } of read.fields) {
    if (key === 'host') {
      if (host !== undefined) return refuse(400, 'there is more than one Host header')
      host = value
    } else if (key === 'connection') connection = connection === '' ? value : `${connection},${value}`
    else if (key === 'upgrade') upgrade = upgrade === undefined ? value : `${upgrade}, ${value}`
    else if (key === 'expect' && value.toLowerCase() !== '100-continue')
      return refuse(417, 'the only supported expectation is 100-continue')
  }
  return complete(read, { host, connection, upgrade })
}

type Found = { host: string | undefined; connection: string; upgrade: string | undefined }

function complete(read: Read, found: Found): RequestHead | Refusal {
  const { method, version, fields } = read
  if (method === 'CONNECT' || method === 'TRACE') return refuse(405, `the method ${method} is not supported`)
  if (found.host === undefined) return refuse(400, 'there is no Host header')
  const host = parseHost(found.host)
  if (host === undefined) return refuse(400, 'the Host header is not a host name with an optional port')
  const target = originForm(read, found.host)
  if (target === undefined) return refuse(400, 'the target is not a path, or names another host than the Host header')
  const framing = requestFraming(version, fields)
  if (typeof framing === 'string') return refuse(400, framing)
  const options = found.connection === '' ? [] : listOf(found.connection)
  const named = options.find(isProtected)
  if (named !== undefined) return refuse(400, `Connection must not name ${named}`)
  return {
    method,
    target,
    version,
    fields,
    authority: found.host,
    host,
    framing,
    keepAlive: version === 1 ? !options.includes('close') : options.includes('keep-alive'),
    upgrade: version === 1 && options.includes('upgrade') ? withoutH2c(found.upgrade) : undefined,
    hopFields: options,
  }
}

function requestFraming(version: 0 | 1, fields: Field[]): Framing | string {
  const framing = declaredFraming(fields)
  if (typeof framing === 'string') return framing
  if (framing?.kind === 'chunked' && version === 0) return 'HTTP/1.0 does not allow Transfer-Encoding'
  return framing ?? noBody
}

/**
 * RFC 9112 section 3.2: a server accepts the absolute form; what continues is the origin form. A
 * fragment is never sent.
 */
function originForm({ method, target }: Read, authority: string): string | undefined {
  if (target.includes('#')) return undefined
  if (target.startsWith('/')) return target
  if (target === '*') return method === 'OPTIONS' ? target : undefined
  const [, named, path] = /^http:\/\/([^/?]+)([^]*)$/i.exec(target) ?? []
  if (named === undefined || path === undefined || !isSameAuthority(named, authority)) return undefined
  // RFC 9112 section 3.2.4: OPTIONS without a path is asked of the server as a whole.
  if (path === '' && method === 'OPTIONS') return '*'
  return path.startsWith('/') ? path : `/${path}`
}

function isSameAuthority(one: string, other: string): boolean {
  return one.toLowerCase().replace(/:$/, '') === other.toLowerCase().replace(/:$/, '')
}

/** Fields that a client must not have taken away from the app by naming them in Connection. */
function isProtected(option: string): boolean {
  return /^(x-forwarded-.*|x-real-ip|forwarded|host|content-length|transfer-encoding|authorization|cookie|via)$/.test(
    option,
  )
}

/**
 * An HTTP/2 connection inside a tunnel would pass every rule of this router by. Without Upgrade it
 * stays HTTP/1.1.
 */
function withoutH2c(upgrade: string | undefined): string | undefined {
  return upgrade === undefined || /(^|[\s,])h2/i.test(upgrade) ? undefined : upgrade
}

function refuse(status: number, reason: string): Refusal {
  return { refused: status, reason }
}
