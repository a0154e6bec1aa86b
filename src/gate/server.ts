import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Config } from '../config.ts'
import { awayMessage } from '../engine/docker/gate.ts'
import type { Logger } from '../log.ts'
import { listenAt } from '../unix-socket.ts'
import { parseAsked } from './asked.ts'
import { awayCode, GatedEngine, readWhole } from './engine.ts'
import { HostCalls, type HostCallsDeps } from './host-calls.ts'
import { parseJson } from './other-bodies.ts'
import type { GateOwner } from './own.ts'
import { pass } from './pass.ts'
import { judgeCall, type Order } from './policy.ts'
import { Foreign, Refused } from './refused.ts'
import { Things } from './things.ts'
import { readBody, refuseUpgrade, upgrade } from './upgrade.ts'

/** Bytes of JSON in a request: a container's has all config vars of an app in it. */
const longestBody = 16 * 2 ** 20

export type GateDeps = {
  /** The engine's own socket. */
  engineSocket: string
  socketPath: string
  config: Pick<Config, 'network' | 'domain' | 'httpPort' | 'runtime'>
  serverId: string
  ancestors: string[]
  makeTree: HostCallsDeps['makeTree']
  log: Logger
}

/**
 * Passes on to the engine what the worker of this server has need of, and nothing else; asks this
 * machine for what needs rights beside. Disposal breaks off what is in progress.
 */
export async function serveGate({ socketPath, ...deps }: GateDeps): Promise<AsyncDisposable> {
  const gate = new Gate(deps)
  // No time limit here: a build has its own.
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    void gate.answer(request, response)
  })
  const upgraded = new Set<Duplex>()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket.on('close', () => upgraded.delete(socket)))
    void gate.upgrade(request, socket, head)
  })
  await listenAt(socketPath, server)
  return {
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
      await once(server, 'close')
    },
  }
}

class Gate {
  readonly #deps: Omit<GateDeps, 'socketPath'>
  readonly #engine: GatedEngine
  readonly #owner: GateOwner
  readonly #things: Things
  readonly #host: HostCalls

  constructor(deps: Omit<GateDeps, 'socketPath'>) {
    const { config, serverId, ancestors } = deps
    this.#deps = deps
    this.#owner = { serverId, ancestors, runtime: config.runtime, network: config.network }
    this.#engine = new GatedEngine(deps.engineSocket)
    this.#things = new Things(this.#engine, this.#owner)
    this.#host = new HostCalls({ ...deps, owner: this.#owner, engine: this.#engine, things: this.#things })
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (await this.#host.answer(request, response)) return
      const order = await this.#judge(request, async () => (await readWhole(request, longestBody)).toString())
      if (order.answer === 'upgrade') throw new Refused('the connection has to become another')
      const deps = { engine: this.#engine, things: this.#things, owner: this.#owner }
      await pass(deps, order, { request, response })
    } catch (thrown) {
      const { status, message } = this.#explain(request, thrown)
      if (response.destroyed || response.headersSent) return void response.destroy()
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
      response.end(JSON.stringify({ message }))
    }
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => undefined)
    try {
      const order = await this.#judge(request, () => readBody(request, socket, head))
      if (order.answer !== 'upgrade') throw new Refused('the connection is not to become another')
      await upgrade(this.#engine, order, socket)
    } catch (thrown) {
      const { status, message } = this.#explain(request, thrown)
      if (!socket.destroyed) refuseUpgrade(socket, status, JSON.stringify({ message }))
    }
  }

  /** @throws Refused */
  async #judge(request: IncomingMessage, read: () => Promise<string>): Promise<Order> {
    const asked = parseAsked(request.method ?? '', request.url ?? '')
    const isJson = request.headers['content-type'] === 'application/json'
    const text = isJson || request.headers.upgrade !== undefined ? await read() : ''
    const order = judgeCall(asked, text === '' ? undefined : parseJson(text), this.#owner)
    for (const thing of order.things) await this.#things.check(thing)
    return order
  }

  #explain(request: IncomingMessage, thrown: unknown): { status: number; message: string } {
    const { log, engineSocket } = this.#deps
    const asked = `${request.method} ${request.url?.slice(0, 300)}`
    if (thrown instanceof Refused) {
      if (thrown.status === 403 || thrown instanceof Foreign)
        log.warn({ asked, reason: thrown.message }, 'refused a request of the worker')
      return {
        status: thrown.status,
        message: thrown.status === 404 ? thrown.message : `The gate refuses it: ${thrown.message}.`,
      }
    }
    log.debug({ err: thrown, asked }, 'a request of the worker failed')
    const code = awayCode(thrown)
    if (code !== undefined) return { status: 503, message: awayMessage({ code, path: engineSocket }) }
    return { status: 500, message: (thrown as Error).message }
  }
}
