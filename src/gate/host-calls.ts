import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Config } from '../config.ts'
import { diskUsage, volumeBytes, type Written } from '../engine/docker/disk-usage.ts'
import { publicPort, secureHost, secureNetwork } from '../engine/docker/firewall.ts'
import { asPaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { GatedEngine } from './engine.ts'
import { isCacheName, isOwnVolume } from './own.ts'
import { Refused } from './refused.ts'
import type { Things } from './things.ts'

export type HostCallsDeps = {
  config: Pick<Config, 'network' | 'domain' | 'httpPort'>
  serverId: string
  engine: GatedEngine
  things: Things
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
    const work = this.#find(`${request.method} ${pathname}`, searchParams, gone.signal)
    if (!work) return false
    request.resume()
    try {
      respond(response, 200, (await work()) ?? null)
    } catch (thrown) {
      const { code, status, message, hint } = asPaasError(thrown)
      if (!gone.signal.aborted) this.#deps.log.warn({ err: thrown, code }, 'a call of the worker failed')
      respond(response, status, { code, message, hint })
    }
    return true
  }

  #find(call: string, query: URLSearchParams, signal: AbortSignal): (() => Promise<unknown>) | undefined {
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
      default:
        return undefined
    }
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

function respond(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
