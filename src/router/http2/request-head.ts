import { randomBytes } from 'node:crypto'
import { parseRequestHead, type Refusal, type RequestHead } from '../http/request-head.ts'

export type StreamRequest = {
  /** As HTTP/1.1 has it, latin1, without the empty line. */
  text: string
  request: RequestHead | Refusal
  /** It is to become a WebSocket: RFC 8441. */
  isTunnel: boolean
}

type Options = {
  /** No body follows. */
  isWhole: boolean
  longest: number
}

/**
 * Reads the head of a request on a stream: RFC 9113 section 8.3, RFC 8441. It is written down as
 * HTTP/1.1 has it and read as that, so that the same is refused in the same words.
 * @param raw names and values in turn, as Node decoded them; no name twice that must not be
 */
export function readStreamRequest(raw: string[], { isWhole, longest }: Options): StreamRequest {
  const head = sort(raw)
  const isTunnel = head.pseudo[':protocol'] !== undefined
  const text = isTunnel ? tunnelText(head) : messageText(head, isWhole)
  const refusal = text.length > longest ? refuse(431, `its head is longer than ${longest} bytes`) : reasonAgainst(head)
  return { text, request: refusal ?? parseRequestHead(text), isTunnel }
}

type Sorted = {
  pseudo: Record<string, string>
  host: string | undefined
  hasLength: boolean
  /** Header lines, without Host. */
  lines: string
}

function sort(raw: string[]): Sorted {
  const sorted: Sorted = { pseudo: {}, host: undefined, hasLength: false, lines: '' }
  let cookies = ''
  for (let at = 0; at < raw.length; at += 2) {
    const [name, value] = [raw[at]!, raw[at + 1]!]
    if (name.startsWith(':')) sorted.pseudo[name] = value
    else if (name === 'host') sorted.host = value
    // RFC 9113 section 8.2.3: clients cut it into pieces, which apps do not expect.
    else if (name === 'cookie') cookies += cookies === '' ? value : `; ${value}`
    else sorted.lines += `${name}: ${value}\r\n`
    if (name === 'content-length') sorted.hasLength = true
  }
  if (cookies !== '') sorted.lines += `cookie: ${cookies}\r\n`
  return sorted
}

function messageText(head: Sorted, isWhole: boolean): string {
  const { pseudo, hasLength } = head
  const target = pseudo[':path'] ?? authorityOf(head)
  const framing = isWhole || hasLength ? '' : 'transfer-encoding: chunked\r\n'
  return `${pseudo[':method']} ${target} HTTP/1.1\r\nhost: ${authorityOf(head)}\r\n${head.lines}${framing}`
}

/** The app speaks HTTP/1.1, whose key the router makes up. */
function tunnelText(head: Sorted): string {
  const upgrade = `connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n`
  return `GET ${head.pseudo[':path']} HTTP/1.1\r\nhost: ${authorityOf(head)}\r\n${head.lines}${upgrade}`
}

/** What HTTP/1.1 has no word for. */
function reasonAgainst(head: Sorted): Refusal | undefined {
  const { pseudo, host, hasLength, lines } = head
  const { ':scheme': scheme, ':authority': authority, ':path': path, ':protocol': protocol } = pseudo
  if (host !== undefined && authority !== undefined && host !== authority)
    return refuse(400, 'the Host header is not what :authority says')
  if (scheme !== undefined && scheme !== 'https') return refuse(400, ':scheme is not https')
  if (path !== undefined && !path.startsWith('/') && path !== '*') return refuse(400, ':path is not a path')
  if (protocol === undefined) return undefined
  if (protocol !== 'websocket') return refuse(501, 'the only supported :protocol is websocket')
  return hasLength || /^sec-websocket-key:/m.test(lines)
    ? refuse(400, 'it has a field that a WebSocket over HTTP/2 does not have')
    : undefined
}

function authorityOf({ pseudo, host }: Sorted): string {
  return pseudo[':authority'] ?? host ?? ''
}

function refuse(status: number, reason: string): Refusal {
  return { refused: status, reason }
}
