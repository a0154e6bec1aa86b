import { createServer, type Server, type Socket } from 'node:net'
import type { AppLogWriter } from '../logs/app-log.ts'
import type { Logger } from '../log.ts'
import type { FigureWriter } from '../metrics/figure-writer.ts'
import type { RoutingTable } from '../model/route.ts'
import { AddressCounter } from './address-counter.ts'
import type { RouterContext } from './context.ts'
import { Counters } from './counters.ts'
import { sayGoodbye } from './drain.ts'
import { formatAnswer } from './error-page.ts'
import type { RouterLimits } from './limits.ts'
import { Measurements } from './measurements.ts'
import { leaveSharedPort, listenOn } from './listen.ts'
import { answerFor } from './router-error.ts'
import { Routes } from './routes.ts'
import { VisitorConnection } from './visitor-connection.ts'

/** How often time limits are looked at, milliseconds. */
const sweepInterval = 250

export type RouterDeps = {
  table: RoutingTable
  limits: RouterLimits
  appLog: Pick<AppLogWriter, 'write'>
  /** Written to once a minute for each app that was asked for. */
  figures: Pick<FigureWriter, 'write'>
  log: Logger
}

/** The public side: accepts connections and keeps their limits. */
export class Router {
  readonly #context: RouterContext
  readonly #log: Logger
  readonly measurements: Measurements
  readonly #server: Server
  readonly #visitors = new Map<Socket, VisitorConnection>()
  readonly #addresses: AddressCounter
  readonly #sweeper: NodeJS.Timeout
  /** Resolves when the server, which listens, and all its connections are closed. */
  #closed: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | undefined
  #closeIdle = false

  constructor({ table, limits, appLog, figures, log }: RouterDeps) {
    const routes = new Routes(table, limits)
    this.measurements = new Measurements(figures)
    this.#context = {
      routes,
      limits,
      appLog,
      counters: new Counters(),
      measurements: this.measurements,
      stopping: false,
      date: new Date().toUTCString(),
    }
    this.#log = log
    this.#addresses = new AddressCounter(limits.connectionsPerAddress)
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket))
    // Not in the timer itself: what has arrived meanwhile is read first, however late the timer is.
    this.#sweeper = setInterval(() => setImmediate(() => this.#sweep()), sweepInterval)
  }

  get routes(): Routes {
    return this.#context.routes
  }

  /** That are open now. */
  get connections(): number {
    return this.#visitors.size
  }

  get counters(): Counters {
    return this.#context.counters
  }

  /** @throws port_in_use */
  async listen(port: number, options: { shared: boolean }): Promise<number> {
    await listenOn(this.#server, port, options)
    this.#closed = new Promise((resolve) => this.#server.once('close', resolve))
    this.#server.on('error', (error) => this.#log.error({ err: error }, 'connection not accepted'))
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : port
  }

  /** Resolves when another router, which listens on the same port, gets all new connections. */
  async leavePort(): Promise<void> {
    this.#context.stopping = true
    await leaveSharedPort(this.#server)
  }

  /**
   * Accepts no more, answers what is under way, then closes. Resolves after `milliseconds` at the latest, with what
   * is left cut off. Only the first call counts.
   * @param idle `close` idle connections at once, or `keep` them for one last answer: no client then sends into a closed one
   */
  stop(options: { milliseconds: number; idle: 'close' | 'keep' }): Promise<void> {
    return (this.#stopped ??= this.#stop(options))
  }

  async #stop({ milliseconds, idle }: { milliseconds: number; idle: 'close' | 'keep' }): Promise<void> {
    this.#context.stopping = true
    this.#closeIdle = idle === 'close'
    if (this.#server.listening) this.#server.close()
    this.#sweep()
    const goodbye = sayGoodbye([...this.routes.everyTarget()], milliseconds / 2)
    const cut = setTimeout(() => this.#cut(), milliseconds)
    await this.#closed
    clearTimeout(cut)
    clearInterval(goodbye)
    clearInterval(this.#sweeper)
    this.measurements.close()
    for (const target of this.routes.everyTarget()) target.retire()
  }

  #cut(): void {
    for (const socket of this.#visitors.keys()) socket.destroy()
  }

  #accept(socket: Socket): void {
    const { counters, limits } = this.#context
    const address = plainAddress(socket.remoteAddress ?? '')
    counters.connections++
    if (this.#visitors.size >= limits.connections || !this.#addresses.add(address)) return this.#turnAway(socket)
    this.#visitors.set(socket, new VisitorConnection(this.#context, socket, address))
    socket.on('close', () => {
      this.#visitors.delete(socket)
      this.#addresses.remove(address)
    })
  }

  #turnAway(socket: Socket): void {
    this.#context.counters.turnedAway++
    socket.on('error', () => socket.destroy())
    const answer = formatAnswer(answerFor('H22'), { request: undefined, requestId: undefined, keepAlive: false })
    socket.end(answer, () => socket.destroy())
  }

  #sweep(): void {
    const now = performance.now()
    this.#context.date = new Date().toUTCString()
    for (const visitor of this.#visitors.values()) {
      visitor.checkTime(now)
      if (this.#closeIdle) visitor.closeIfIdle()
    }
    for (const target of this.routes.everyTarget()) target.sweep(now)
  }
}

/** IPv4 addresses come in IPv6 form on a socket that serves both. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
