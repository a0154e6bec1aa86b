import { request as requestPlain, Agent as PlainAgent, type IncomingMessage } from 'node:http'
import { request as requestSecure, Agent as SecureAgent } from 'node:https'
import type { Outbound } from './outbound.ts'
import { guardedLookup, refuseForbiddenAddress } from './destination.ts'
import { destinationOf } from './url.ts'

export const httpSchemes = { https: 443, http: 80 }

/** An answer in whole, which nobody needs, may take and have so much: milliseconds and bytes. */
const patience = 10_000
const longestAnswer = 64 * 2 ** 10

export type Post = { url: URL; headers: Record<string, string>; body: Buffer }

/** Posts to addresses that users entered. */
export class Poster implements Disposable {
  readonly #outbound: Outbound
  readonly #agents: { 'http:': PlainAgent; 'https:': SecureAgent }

  /**
   * @param keepAlive whether connections are kept for the next post: for one receiver only, since a
   *   slow one would hold up others
   */
  constructor(outbound: Outbound, { keepAlive }: { keepAlive: boolean }) {
    this.#outbound = outbound
    const options = keepAlive ? { keepAlive, maxSockets: 1, timeout: 60_000 } : {}
    this.#agents = { 'http:': new PlainAgent(options), 'https:': new SecureAgent(options) }
  }

  /**
   * Returns the status of the answer. Redirects are not followed, and only the beginning of a
   * response is read.
   * @throws address_forbidden, and whatever the network says; a TimeoutError after 10 s
   */
  async post({ url, headers, body }: Post, signal: AbortSignal): Promise<number> {
    const destination = destinationOf(url, httpSchemes)
    refuseForbiddenAddress(this.#outbound.policy, destination)
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(patience)])
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const secure = url.protocol === 'https:'
    const outgoing = (secure ? requestSecure : requestPlain)(url, {
      method: 'POST',
      agent: this.#agents[secure ? 'https:' : 'http:'],
      ...(secure ? { secureContext: this.#outbound.trust() } : {}),
      lookup: guardedLookup(this.#outbound.policy, destination.port),
      headers: { ...headers, 'user-agent': 'paas', 'content-length': body.length },
      signal: deadline,
    })
    outgoing.on('response', resolve).on('error', reject)
    outgoing.end(body)
    try {
      const response = await promise
      await discard(response)
      return response.statusCode ?? 0
    } catch (cause) {
      throw deadline.aborted ? deadline.reason : cause
    }
  }

  [Symbol.dispose](): void {
    for (const agent of Object.values(this.#agents)) agent.destroy()
  }
}

/** Reads a short answer, so that its connection can be used again, and cuts a long one off. */
async function discard(response: IncomingMessage): Promise<void> {
  let length = 0
  for await (const chunk of response) {
    length += (chunk as Buffer).length
    if (length > longestAnswer) return
  }
}
