import { createServer, type Server, type Socket } from 'node:net'
import type { AppLogWriter } from '../model/app-log.ts'
import type { Logger } from '../log.ts'
import type { FigureWriter } from '../metrics/figure-writer.ts'
import type { RoutingTable } from '../model/route.ts'
import { Accepted, type AcceptedConnection } from './accepted.ts'
import { AddressCounter } from './address-counter.ts'
import { AppConnections } from './app-connections.ts'
import type { RouterContext } from './context.ts'
import { Counters } from './counters.ts'
import { streamOf } from './detached.ts'
import { sayGoodbye } from './drain.ts'
import { formatAnswer } from './error-page.ts'
import { HeldRequests } from './held-requests.ts'
import { Http2Connections } from './http2/connections.ts'
import type { RouterLimits } from './limits.ts'
import { Measurements } from './measurements.ts'
import { leaveSharedPort, listenOn, type ListenAt } from './listen.ts'
import type { Silence } from './control/protocol.ts'
import { plainAddress, type Origins, type Peer } from './origin.ts'
import { acceptPlainly } from './plain-socket.ts'
import { ProxyDoor } from './proxy-door.ts'
import { noteRefusal } from './refused-request.ts'
import { Roster } from './roster.ts'
import { answerFor } from './router-error.ts'
import type { PageCache } from './page-cache.ts'
import { LiveProofs } from './live-proofs.ts'
import { LiveRoutes } from './live-routes.ts'
import { findSilences } from './silences.ts'
import type { AppCertificates } from './tls/app-certificates.ts'
import { TlsDoor } from './tls/door.ts'
import type { TlsIdentity } from './tls/identity.ts'
import { openRendezvous } from './rendezvous.ts'
import { lengthenTurn } from './turn.ts'
import type { Arrival, VisitorSocket } from './visitor.ts'
import { VisitorConnection } from './visitor-connection.ts'
import { Outbox } from './http/outbox.ts'

/** Goes on with a connection that was accepted. */
type Take = (socket: VisitorSocket, arrival: { peer: Peer; port: number }) => void

/** How often time limits are looked at, milliseconds. */
const sweepInterval = 250

export type RouterDeps = {
  table: RoutingTable
  limits: RouterLimits
  appLog: Pick<AppLogWriter, 'write'>
  /** Written to once a minute for each app that was asked for. */
  figures: Pick<FigureWriter, 'write'>
  log: Logger
  origins: Origins
  /** Under which visitors reach the TLS port; undefined: there is none. */
  tlsPort?: number | undefined
  /** Of apps' own, in place of the router's. */
  pages?: PageCache
}

/** What a router that speaks TLS needs. */
type TlsOptions = {
  identity: TlsIdentity
  /** Of session tickets, which other processes take too. */
  ticketKeys: Buffer
  /** Serves what is not HTTP. */
  rendezvousSocket: string
  /** What apps without a certificate of their own are shown with; undefined: the server's own. */
  appCertificates: AppCertificates | undefined
  /** HTTP/2 is offered, too. */
  http2: boolean
}

/** The public side: accepts connections and keeps their limits. */
export class Router {
  readonly #context: RouterContext
  readonly #log: Logger
  readonly measurements: Measurements
  readonly proofs: LiveProofs
  readonly #held: HeldRequests
  readonly #servers: Server[] = []
  #tlsDoor: TlsDoor | undefined
  readonly #accepted: Accepted
  readonly #visitors = new Roster<VisitorConnection>()
  readonly #http2: Http2Connections
  readonly #proxyDoor: ProxyDoor
  readonly #sweeper: NodeJS.Timeout
  /** Each resolves when a server, which listens, and all its connections are closed. */
  readonly #closed: Promise<void>[] = []
  #stopped: Promise<void> | undefined
  #closeIdle = false

  constructor({ table, limits, appLog, figures, log, origins, tlsPort, pages }: RouterDeps) {
    this.#held = new HeldRequests(limits.hold)
    const routes = new LiveRoutes(table, { limits, held: this.#held })
    this.measurements = new Measurements(figures)
    this.proofs = new LiveProofs({
      isNameOfApp: (host) => routes.isNameOfApp(host),
      hasCertificate: (host) => routes.findCertificate(host) !== undefined,
    })
    this.#context = {
      routes,
      limits,
      appLog,
      counters: new Counters(),
      measurements: this.measurements,
      origins,
      addresses: new AddressCounter(limits.connectionsPerAddress),
      appConnections: new AppConnections(limits.connectionsPerApp),
      held: this.#held,
      proofs: this.proofs,
      pages,
      tlsPort,
      stopping: false,
      date: new Date().toUTCString(),
    }
    this.#accepted = new Accepted(this.#context.addresses)
    this.#http2 = new Http2Connections(this.#context)
    this.#log = log
    this.#proxyDoor = new ProxyDoor(limits)
    // Not in the timer's turn: data that has arrived is read first, however late the timer fires.
    this.#sweeper = setInterval(() => setImmediate(() => this.#sweep()), sweepInterval)
  }

  get routes(): LiveRoutes {
    return this.#context.routes
  }

  /** That are open now. */
  get connections(): number {
    return this.#visitors.size + this.#http2.size
  }

  /** Requests that wait for a target. */
  get held(): number {
    return this.#held.size
  }

  get counters(): Counters {
    return this.#context.counters
  }

  /** The apps' targets of which nothing has come for so long. */
  silences(forMs: number): Silence[] {
    const visitors = [...this.#visitors.all(), ...this.#http2.streams()]
    return findSilences({ targets: this.routes.everyAppTarget(), visitors }, forMs)
  }

  /**
   * Serves HTTP; on any port for port 0.
   * @returns the port
   * @throws port_in_use
   */
  listen(place: ListenAt): Promise<number> {
    return this.#listen(place, (socket, arrival) => this.#visit(socket, arrival), acceptPlainly)
  }

  /** The same with TLS. @throws port_in_use */
  listenWithTls(place: ListenAt, { appCertificates, rendezvousSocket, ...tls }: TlsOptions): Promise<number> {
    const { limits } = this.#context
    const rendezvous = openRendezvous({ socketPath: rendezvousSocket, limits: limits.rendezvous })
    const door = new TlsDoor({
      ...tls,
      identityOf: async (host) => {
        const known = this.routes.findCertificate(host)
        if (known !== undefined || !this.routes.isNameOfApp(host)) return known
        await this.proofs.untilCertain(host)
        return this.routes.findCertificate(host) ?? appCertificates?.get(host)
      },
      identityAt: (address) => this.routes.certificateOfAddress(address),
      proofs: this.proofs,
      log: this.#log,
      limits,
      onSecure: (socket, { sni, http2: isHttp2, ...arrival }) => {
        const secure = { ...arrival, secure: { sni, rendezvous } }
        if (isHttp2) this.#http2.open(socket, secure)
        else this.#visit(socket, secure)
      },
      onPlain: (refused) => noteRefusal(this.#context, refused),
      onFailed: () => this.counters.failedHandshakes++,
    })
    this.#tlsDoor = door
    return this.#listen(place, (socket, arrival) => door.enter(socket as Socket, arrival))
  }

  /** Shows another certificate from now on. */
  show(identity: TlsIdentity): void {
    this.#tlsDoor?.show(identity)
  }

  async #listen(place: ListenAt, take: Take, listens?: (server: Server) => void): Promise<number> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket: VisitorSocket) =>
      this.#accept(socket, (entered, peer) => take(entered, { peer, port })),
    )
    const port = await listenOn(server, place)
    listens?.(server)
    this.#servers.push(server)
    this.#closed.push(new Promise((resolve) => server.once('close', resolve)))
    server.on('error', (error) => this.#log.error({ err: error }, 'connection not accepted'))
    return port
  }

  /** Resolves when another router, which listens on the same ports, gets all new connections. */
  async leavePorts(): Promise<void> {
    this.#context.stopping = true
    await Promise.all(this.#servers.map(leaveSharedPort))
  }

  /**
   * Stops accepting, answers requests in progress, then closes. Resolves after `milliseconds` at
   * the latest; remaining connections are cut. Only the first call counts.
   * @param idle `close` idle connections at once, or `keep` them for one last answer: no client
   *   then sends into a closed one
   */
  stop(options: { milliseconds: number; idle: 'close' | 'keep' }): Promise<void> {
    return (this.#stopped ??= this.#stop(options))
  }

  async #stop({ milliseconds, idle }: { milliseconds: number; idle: 'close' | 'keep' }): Promise<void> {
    this.#context.stopping = true
    this.#closeIdle = idle === 'close'
    for (const server of this.#servers) if (server.listening) server.close()
    this.#sweep()
    const goodbye = sayGoodbye([...this.routes.everyTarget()], milliseconds / 2)
    const cut = setTimeout(() => this.#accepted.destroy(), milliseconds)
    await Promise.all(this.#closed)
    clearTimeout(cut)
    clearInterval(goodbye)
    clearInterval(this.#sweeper)
    this.measurements.close()
    for (const target of this.routes.everyTarget()) target.retire()
  }

  #accept(socket: VisitorSocket, take: (socket: VisitorSocket, peer: Peer) => void): void {
    const { counters, limits, origins } = this.#context
    counters.connections++
    lengthenTurn()
    const peer = { address: plainAddress(socket.remoteAddress) }
    if (peer.address === '') return void socket.destroy() // it was reset
    if (this.#accepted.size >= limits.connections) return this.#turnAway(socket)
    const accept = (entered: VisitorSocket, said: Peer = peer, kept?: AcceptedConnection): void => {
      if (!this.#count(entered, said, kept)) return this.#turnAway(entered)
      take(entered, said)
    }
    if (!origins.isTrusted(peer.address)) return accept(socket)
    const stream = streamOf(socket)
    const kept = this.#accepted.keep(stream)
    this.#proxyDoor.enter(stream, (said) => accept(stream, said, kept))
  }

  /**
   * @returns false when its address has as many connections as it may have; a trusted proxy has as
   *   many as it likes
   */
  #count(socket: VisitorSocket, { address }: Peer, kept?: AcceptedConnection): boolean {
    const { addresses, origins } = this.#context
    const isCounted = !origins.isTrusted(address)
    if (isCounted && !addresses.add(address)) return false
    const counted = kept ?? this.#accepted.keep(socket)
    if (isCounted) counted.counted = address
    return true
  }

  #visit(socket: VisitorSocket, arrival: Arrival): void {
    const visitor = new VisitorConnection(this.#context, socket, arrival)
    this.#visitors.add(visitor)
    socket.on('close', () => {
      this.#visitors.delete(visitor)
      this.#context.appConnections.leave(visitor)
    })
  }

  #turnAway(socket: VisitorSocket): void {
    this.#context.counters.turnedAway++
    socket.on('error', () => socket.destroy())
    const answer = formatAnswer(answerFor('H22'), { request: undefined, requestId: undefined, keptFor: undefined })
    const outbox = new Outbox(socket)
    outbox.text(answer)
    outbox.flush()
    socket.end(() => socket.destroy())
  }

  #sweep(): void {
    const now = performance.now()
    this.#context.date = new Date().toUTCString()
    for (const door of this.#closeIdle ? [this.#tlsDoor, this.#proxyDoor] : []) door?.close()
    for (const visitor of this.#visitors.all()) {
      visitor.checkTime(now)
      if (this.#closeIdle) visitor.closeIfIdle()
    }
    this.#http2.sweep(now, { end: this.#closeIdle })
    for (const target of this.routes.everyTarget()) target.sweep(now)
  }
}
