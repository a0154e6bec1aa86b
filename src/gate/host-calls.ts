import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { Config } from '../config.ts'
import { diskUsage, volumeBytes, type Written } from '../engine/docker/disk-usage.ts'
import { publicPort, secureHost, secureNetwork } from '../engine/docker/firewall.ts'
import { readJsonLines } from '../engine/docker/json-lines.ts'
import { asPaasError, PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { TreeOrder } from '../model/tree-order.ts'
import { awayCode, type GatedEngine } from './engine.ts'
import { isCacheName, isOwnVolume, type GateOwner } from './own.ts'
import { Refused, refuseUnless } from './refused.ts'
import type { Things } from './things.ts'
import { readTreeOrder, GateMeans } from './trees.ts'

/** Bytes of an order. */
const longestOrder = 64 * 1024

export type HostCallsDeps = {
  config: Pick<Config, 'network' | 'domain' | 'httpPort'>
  serverId: string
  engine: GatedEngine
  things: Things
  owner: GateOwner
  /** By the rules for what strangers' builds keep. */
  makeTree: (means: GateMeans, order: TreeOrder, ready: AsyncIterable<unknown>) => Promise<string | undefined>
  log: Logger
}

/** What the worker may ask of the machine. The settings decide what the firewall's rules are. */
export class HostCalls {
  readonly #deps: HostCallsDeps

  constructor(deps: HostCallsDeps) {
    this.#deps = deps
  }

  /** False when the call is none of these. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://gate')
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const work = this.#find(`${request.method} ${pathname}`, searchParams, { request, signal: gone.signal })
    if (!work) return false
    try {
      respond(response, 200, (await work()) ?? null)
    } catch (thrown) {
      const { code, status, message, hint } = explained(thrown)
      if (!gone.signal.aborted) this.#deps.log.warn({ err: thrown, code }, 'a call of the worker failed')
      respond(response, status, { code, message, hint })
    }
    return true
  }

  #find(
    call: string,
    query: URLSearchParams,
    { request, signal }: { request: IncomingMessage; signal: AbortSignal },
  ): (() => Promise<unknown>) | undefined {
    const { config, serverId, log } = this.#deps
    const { network } = config
    switch (call) {
      case 'POST /host':
        return () => secureHost({ serverId, log, network, publicPort: publicPort(config) })
      case 'POST /host/network':
        return () => secureNetwork({ network })
      case 'POST /host/disk':
        return () => this.#diskUsage(query, signal)
      case 'POST /host/volume':
        return () => this.#volumeBytes(query)
      case 'POST /host/tree':
        return () => this.#makeTree(request, signal)
      default:
        return undefined
    }
  }

  async #makeTree(request: IncomingMessage, signal: AbortSignal): Promise<string | undefined> {
    const values = readJsonLines<unknown>(Readable.from(bounded(request, longestOrder)))
    const order = readTreeOrder((await values.next()).value)
    return this.#deps.makeTree(new GateMeans(this.#deps, signal), order, values)
  }

  /** Of a volume of this server; of another nothing is said. */
  async #volumeBytes(query: URLSearchParams): Promise<unknown> {
    const name = query.get('name') ?? ''
    if (!isCacheName(name, this.#deps) && !isOwnVolume(name, this.#deps)) return undefined
    return volumeBytes(() => this.#deps.engine.find<{ Mountpoint: string }>(`/volumes/${name}`))
  }

  /** Of a container of this server; of another there is none. */
  async #diskUsage(query: URLSearchParams, signal: AbortSignal): Promise<unknown> {
    const { engine, things } = this.#deps
    const id = query.get('container') ?? ''
    const [bytes, files] = [Number(query.get('bytes')), Number(query.get('files'))]
    try {
      await things.check({ kind: 'container', id })
    } catch (thrown) {
      if (thrown instanceof Refused) return undefined
      throw thrown
    }
    const inspect = (ask: { size?: true } = {}) =>
      engine.find<Written>(`/containers/${id}/json${ask.size ? '?size=1' : ''}`)
    return diskUsage(inspect, { bytes, files }, signal)
  }
}

/** @throws Refused for a body of more bytes */
async function* bounded(request: IncomingMessage, most: number): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    refuseUnless(bytes <= most, 'an order is too long')
    yield chunk
  }
}

function explained(thrown: unknown): PaasError {
  const known = asPaasError(thrown)
  const away = awayCode(thrown)
  if (known.code !== 'internal' || away === undefined) return known
  return new PaasError('engine_unavailable', `Docker does not answer the gate (${away}).`, { cause: thrown })
}

function respond(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
