import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { connect as connectTls, TLSSocket, type SecureContext } from 'node:tls'
import type { Logger } from '../../log.ts'
import { blockListOf, contains } from '../../model/cidr.ts'
import type { DataDoor } from '../../model/data-door.ts'
import { leaveSharedPort, listenOn } from '../listen.ts'
import { plainAddress } from '../origin.ts'
import { reasonOf, type DoorAccount } from './door-account.ts'
import { isMysqlTls, mysqlRefusal, readMysqlPacket } from './mysql-begin.ts'
import { no, postgresBegin, postgresRefusal, yes } from './postgres-begin.ts'

type Target = NonNullable<DataDoor['target']>

export type DoorDeps = {
  /** What new connections are shown; undefined: there is no certificate yet. */
  context: () => SecureContext | undefined
  /** Milliseconds from a connection's begin to the end of its handshake, and to the service. */
  limits: { handshake: number; connect: number }
  account: DoorAccount
  log: Logger
}

/** A connection from outside. `signal`: it is over, or came to no TLS in time. */
type Visit = { socket: Socket; signal: AbortSignal; leaves: () => void; secured: () => void }

/** One port, and the connections that came in by it. */
export class Door {
  readonly #deps: DoorDeps
  readonly #server: Server
  readonly #open = new Map<Socket, string>()
  #door: DataDoor

  private constructor(deps: DoorDeps, door: DataDoor) {
    this.#deps = deps
    this.#door = door
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) =>
      this.#enter(socket),
    )
  }

  /** @param shared a router that is leaving has the port too @throws port_in_use */
  static async open(deps: DoorDeps, door: DataDoor, shared: boolean): Promise<Door> {
    const made = new Door(deps, door)
    await listenOn(made.#server, { port: door.port, shared })
    made.#server.on('error', (cause) => deps.log.warn({ err: cause, port: door.port }, 'a connection was not accepted'))
    return made
  }

  get wanted(): DataDoor {
    return this.#door
  }

  /** From now on; whoever may not come in any more, or is connected with what is gone, is cut. */
  change(door: DataDoor): void {
    const moved = door.target?.host !== this.#door.target?.host
    this.#door = door
    const allowed = blockListOf(door.networks)
    for (const [socket, address] of this.#open) if (moved || !contains(allowed, address)) socket.destroy()
  }

  /** Another router takes what comes from now on; what is there goes on. */
  async leave(): Promise<void> {
    await leaveSharedPort(this.#server)
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#open.keys()) socket.destroy()
  }

  /** Nobody outside its networks gets a byte. */
  #enter(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress)
    const { networks, most } = this.#door
    survive(socket)
    const isWithin = contains(blockListOf(networks), address)
    if (!isWithin || this.#open.size >= most) {
      const reason = isWithin ? `${this.#open.size} connections are open` : 'it is in none of the networks'
      this.#deps.account.inVain('refused', this.#door, { address, reason })
      return void socket.resetAndDestroy()
    }
    this.#open.set(socket, address)
    socket.once('close', () => this.#open.delete(socket))
    void this.#serve(socket, address).finally(() => socket.destroy())
  }

  async #serve(socket: Socket, address: string): Promise<void> {
    const { account, log } = this.#deps
    const door = this.#door
    const ends = await this.#begin(door, this.#visitOf(socket)).catch((cause: unknown) => {
      const result = cause instanceof Unreachable ? 'unreachable' : 'failed'
      account.inVain(result, door, { address, reason: reasonOf(cause) })
    })
    if (!ends) return
    account.served()
    const [secure, service] = ends
    await Promise.all([pipeline(secure, service), pipeline(service, secure)]).catch((cause: unknown) =>
      log.debug({ err: cause, address, port: door.port }, 'a connection of a data door broke'),
    )
  }

  #visitOf(socket: Socket): Visit {
    const over = new AbortController()
    const { handshake } = this.#deps.limits
    const late = setTimeout(() => over.abort(new Error(`no TLS within ${handshake} ms`)), handshake)
    const leaves = (): void => over.abort(new Error('it left'))
    socket.once('close', () => {
      clearTimeout(late)
      leaves()
    })
    return { socket, signal: over.signal, leaves, secured: () => clearTimeout(late) }
  }

  /** @returns both ends, the visitor's first @throws Unreachable, or what the visitor did wrong */
  async #begin({ protocol, target }: DataDoor, visit: Visit): Promise<[Duplex, Duplex]> {
    if (target === null) throw new Unreachable('the add-on does not run')
    if (protocol === 'mysql') return this.#beginMysql(target, visit)
    const { socket, signal } = visit
    if (protocol === 'postgres') await agreeOnTls(socket, signal)
    const secure = await this.#secure(visit, protocol === 'postgres' ? { ALPNProtocols: ['postgresql'] } : {})
    visit.secured()
    return [secure, await this.#reach(target, visit)]
  }

  /** The server speaks first, and counts packets from there on: so both sides begin with TLS. */
  async #beginMysql(target: Target, visit: Visit): Promise<[Duplex, Duplex]> {
    const { socket, signal } = visit
    const service = await this.#reach(target, visit)
    const greeting = await readMysqlPacket(service, signal)
    if (!greeting) throw new Unreachable('it does not greet')
    socket.write(greeting)
    const asked = await readMysqlPacket(socket, signal)
    if (!asked) throw new Error('it left, or sent no packet')
    if (!isMysqlTls(asked)) {
      socket.end(mysqlRefusal('This database is reached with TLS only: use --ssl.'))
      throw new Error('it wants no TLS')
    }
    service.write(asked)
    // What it shows is its own, made by it; the way to it does not leave this machine.
    const inside = survive(connectTls({ socket: service, rejectUnauthorized: false }))
    const begun = once(inside, 'secureConnect', { signal }).catch((cause: unknown) => {
      throw signal.aborted ? cause : new Unreachable(reasonOf(cause))
    })
    const [secure] = await Promise.all([this.#secure(visit), begun])
    visit.secured()
    return [secure, inside]
  }

  async #secure({ socket, signal, leaves }: Visit, more: { ALPNProtocols?: string[] } = {}): Promise<TLSSocket> {
    const secureContext = this.#deps.context()
    if (secureContext === undefined) throw new Unreachable('this server has no certificate')
    const secure = survive(new TLSSocket(socket, { isServer: true, secureContext, ...more }))
    // Who does not trust the certificate may go without a word.
    secure.once('end', leaves)
    await once(secure, 'secure', { signal })
    secure.off('end', leaves)
    return secure
  }

  /** @throws Unreachable, or the signal's reason */
  async #reach(target: Target, { socket, signal }: Visit): Promise<Socket> {
    const service = survive(connect({ ...target, allowHalfOpen: true, noDelay: true, keepAlive: true }))
    socket.once('close', () => service.destroy())
    const slow = AbortSignal.timeout(this.#deps.limits.connect)
    try {
      await once(service, 'connect', { signal: AbortSignal.any([signal, slow]) })
      return service
    } catch (cause) {
      service.destroy()
      throw signal.aborted ? cause : new Unreachable(reasonOf(cause))
    }
  }
}

/** The service's fault, or the server's. */
class Unreachable extends Error {}

/** An error while nobody waits for something of it would be the end of this process. */
function survive<S extends Socket>(socket: S): S {
  // oxlint-disable-next-line no-empty-function -- `close` follows and is what is acted on
  return socket.on('error', () => {})
}

/** As clients of PostgreSQL ask for it. @throws Error for one that wants none, which is told */
async function agreeOnTls(socket: Socket, signal: AbortSignal): Promise<void> {
  let bytes = Buffer.alloc(0)
  for (;;) {
    const begin = postgresBegin(bytes)
    switch (begin) {
      case 'undecided': {
        await once(socket, 'readable', { signal })
        const more = socket.read() as Buffer | null
        if (more === null) throw new Error('it left')
        bytes = Buffer.concat([bytes, more])
        break
      }
      case 'tls':
        socket.unshift(bytes)
        return
      case 'ask-tls':
        socket.write(yes)
        return
      case 'ask-gss':
        socket.write(no)
        bytes = Buffer.alloc(0)
        break
      case 'plain':
        socket.end(
          postgresRefusal('This database is reached with TLS only: use sslmode=verify-full, or sslmode=require.'),
        )
        throw new Error('it wants no TLS')
    }
  }
}
