import { request as requestPlain, type IncomingMessage } from 'node:http'
import { request as requestSecure } from 'node:https'
import { Transform, type Readable } from 'node:stream'
import { PaasError } from '../errors.ts'
import { guardedLookup, refuseForbiddenAddress } from './destination.ts'
import type { Outbound } from './outbound.ts'
import { httpSchemes } from './post.ts'
import { destinationOf, parseTarget } from './url.ts'

const mostRedirects = 5
/** Characters: addresses that an object store signs are long. */
export const longestUrl = 4000
/** Milliseconds without a byte, and for all of a download. */
const patience = { idle: 30_000, total: 600_000 }

/**
 * `most`: bytes; the stream fails beyond them. `within`: milliseconds for all of it. `what`: as in
 * `parseTarget`.
 */
type Wanted = { url: string; most: number; within?: number; what?: string }

/** What is at a user's address, as it comes. @throws as `openDownload` */
export async function download(outbound: Outbound, wanted: Wanted, signal: AbortSignal): Promise<Readable> {
  return (await openDownload(outbound, wanted, signal)).content
}

/**
 * The same with the type that it is said to have, and the address that redirects led to. They are
 * followed, each to an address that is permitted itself.
 * @throws download_failed, address_forbidden, invalid_params, or the signal's reason; the stream
 *   may fail with them as well
 */
export async function openDownload(
  outbound: Outbound,
  { url, most, within = patience.total, what = 'The URL of a source' }: Wanted,
  signal: AbortSignal,
): Promise<{ content: Readable; type: string; from: URL }> {
  const either = AbortSignal.any([signal, AbortSignal.timeout(within)])
  const told = (cause: unknown): unknown => (signal.aborted ? signal.reason : failed(url, cause))
  try {
    const { response, from } = await follow(outbound, parse(url, what), either)
    const limited = new Limit(most, url)
    response.on('error', (cause) => limited.destroy(told(cause) as Error))
    limited.once('close', () => response.destroy())
    return { content: response.pipe(limited), type: response.headers['content-type'] ?? '', from }
  } catch (cause) {
    throw told(cause)
  }
}

type Followed = { response: IncomingMessage; from: URL }

async function follow(outbound: Outbound, first: URL, signal: AbortSignal): Promise<Followed> {
  let url = first
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const response = await get(outbound, url, signal)
    const { statusCode = 0, headers } = response
    if (statusCode === 200) return { response, from: url }
    response.destroy()
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) {
      throw new Error(`it answers with status ${statusCode}`)
    }
    url = parse(URL.parse(headers.location, url.href)?.href ?? '', 'What it redirects to')
  }
  throw new Error(`it redirects more than ${mostRedirects} times`)
}

async function get({ policy, trust }: Outbound, url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const destination = destinationOf(url, httpSchemes)
  refuseForbiddenAddress(policy, destination)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const secure = url.protocol === 'https:'
  const outgoing = (secure ? requestSecure : requestPlain)(url, {
    agent: false,
    ...(secure ? { secureContext: trust() } : {}),
    lookup: guardedLookup(policy, destination.port),
    headers: { 'user-agent': 'paas', 'accept-encoding': 'identity' },
    signal,
    timeout: patience.idle,
  })
  outgoing.on('timeout', () => outgoing.destroy(new Error(`it sent nothing for ${patience.idle / 1000} s`)))
  outgoing.on('response', resolve).on('error', reject).end()
  return promise
}

class Limit extends Transform {
  readonly #most: number
  readonly #url: string
  #bytes = 0

  constructor(most: number, url: string) {
    super()
    this.#most = most
    this.#url = url
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error: Error | null, data?: Buffer) => void): void {
    this.#bytes += chunk.length
    if (this.#bytes <= this.#most) return done(null, chunk)
    done(failed(this.#url, new Error(`it has more than ${Math.floor(this.#most / 2 ** 20)} MiB, the limit`)))
  }
}

function parse(url: string, what: string): URL {
  return parseTarget(url, what, httpSchemes, longestUrl)
}

function failed(url: string, cause: unknown): PaasError {
  if (cause instanceof PaasError) return cause
  const reason = cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause)
  return new PaasError('download_failed', `${withoutSecrets(url)} cannot be downloaded: ${reason}.`, { cause })
}

/** What is behind `?`, and a password, may be a token. */
export function withoutSecrets(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1')
}
