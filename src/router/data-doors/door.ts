import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { connect as connectTls, TLSSocket, type SecureContext } from 'node:tls'
import type { Logger } from '../../log.ts'
import { blockListOf, contains } from '../../model/cidr.ts'
import type { DataDoor } from '../../model/data-door.ts'
import { leaveSharedPort, listenOn } from '../listen.ts'
import { plainAddress } from '../origin.ts'
import { isMysqlTls, mysqlRefusal, readMysqlPacket } from './mysql-begin.ts'
import { no, postgresBegin, postgresRefusal, yes } from './postgres-begin.ts'

type Target = NonNullable<DataDoor['target']>

export type DoorDeps = {
  /** What new connections are shown. */
  context: () => SecureContext
  /** Milliseconds from a connection's begin to the end of its handshake, and to the service. */
  limits: { handshake: number; connect: number }
  log: Logger
}

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
    const { networks, most, port, addonId } = this.#door
    survive(socket)
    if (!contains(blockListOf(networks), address) || this.#open.size >= most) {
      this.#deps.log.info({ address, port, addon: addonId, open: this.#open.size }, 'a data door stayed closed')
      return void socket.resetAndDestroy()
    }
    this.#open.set(socket, address)
    socket.once('close', () => this.#open.delete(socket))
    const late = setTimeout(() => socket.destroy(), this.#deps.limits.handshake)
    void this.#serve(socket, late)
      .catch((cause: unknown) => this.#deps.log.debug({ err: cause, port }, 'a connection of a data door broke'))
      .finally(() => (clearTimeout(late), socket.destroy()))
  }

  async #serve(socket: Socket, late: NodeJS.Timeout): Promise<void> {
    if (this.#door.protocol === 'postgres' && !(await agreeOnTls(socket))) return
    const { target } = this.#door
    if (target === null) return
    if (this.#door.protocol === 'mysql') return this.#serveMysql(socket, target, late)
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: this.#deps.context(),
      ...(this.#door.protocol === 'postgres' && { ALPNProtocols: ['postgresql'] }),
    })
    await once(secure, 'secure')
    clearTimeout(late)
    const service = this.#reach(target, socket)
    await Promise.all([pipeline(secure, service), pipeline(service, secure)])
  }

  /** The server speaks first, and counts packets from there on: so both sides begin with TLS. */
  async #serveMysql(socket: Socket, target: Target, late: NodeJS.Timeout): Promise<void> {
    const service = this.#reach(target, socket)
    const greeting = await readMysqlPacket(service)
    if (!greeting) return
    socket.write(greeting)
    const asked = await readMysqlPacket(socket)
    if (!asked) return
    if (!isMysqlTls(asked)) return void socket.end(mysqlRefusal('This database is reached with TLS only: use --ssl.'))
    service.write(asked)
    // What it shows is its own, made by it; the way to it does not leave this machine.
    const inside = survive(connectTls({ socket: service, rejectUnauthorized: false }))
    const secure = new TLSSocket(socket, { isServer: true, secureContext: this.#deps.context() })
    await Promise.all([once(secure, 'secure'), once(inside, 'secureConnect')])
    clearTimeout(late)
    await Promise.all([pipeline(secure, inside), pipeline(inside, secure)])
  }

  #reach(target: Target, socket: Socket): Socket {
    const service = survive(connect({ ...target, allowHalfOpen: true, noDelay: true, keepAlive: true }))
    const slow = setTimeout(() => service.destroy(), this.#deps.limits.connect)
    service.once('connect', () => clearTimeout(slow)).once('close', () => clearTimeout(slow))
    socket.once('close', () => service.destroy())
    return service
  }
}

/** An error while nobody waits for something of it would be the end of this process. */
function survive<S extends Socket>(socket: S): S {
  // oxlint-disable-next-line no-empty-function -- `close` follows and is what is acted on
  return socket.on('error', () => {})
}

/** As clients of PostgreSQL ask for it. @returns false for one that wants none, which is told */
async function agreeOnTls(socket: Socket): Promise<boolean> {
  let bytes = Buffer.alloc(0)
  for (;;) {
    const begin = postgresBegin(bytes)
    switch (begin) {
      case 'undecided': {
        await once(socket, 'readable')
        const more = socket.read() as Buffer | null
        if (more === null) return false
        bytes = Buffer.concat([bytes, more])
        break
      }
      case 'tls':
        socket.unshift(bytes)
        return true
      case 'ask-tls':
        socket.write(yes)
        return true
      case 'ask-gss':
        socket.write(no)
        bytes = Buffer.alloc(0)
        break
      case 'plain':
        socket.end(
          postgresRefusal('This database is reached with TLS only: use sslmode=verify-full, or sslmode=require.'),
        )
        return false
    }
  }
}
