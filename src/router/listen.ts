import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { BoundSocket, type Server } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { isCode, PaasError } from '../errors.ts'

/**
 * Where a server listens: at a socket that another process has bound and holds (a descriptor of
 * it), or at a port of its own. `shared`: a router of this same server has the port now, and will
 * leave it.
 */
export type ListenAt = { fd: number } | OwnPort
type OwnPort = { port: number; shared: boolean }

/** Connections that the kernel keeps until they are accepted; at most net.core.somaxconn. */
const backlog = 4096

/** @returns the port @throws port_in_use */
export async function listenOn(server: Server, place: ListenAt): Promise<number> {
  const listening = once(server, 'listening')
  server.listen('fd' in place ? place : bindPort(place), backlog)
  await listening
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('port 0 cannot be used')
  return address.port
}

/**
 * Binds a port at every address of the machine, and accepts nothing. The port can be bound again by
 * the router that takes over (SO_REUSEPORT), so that no connection is refused between the two; any
 * other holder of it is found out first.
 * @throws port_in_use
 */
export function bindPort({ port, shared }: OwnPort): BoundSocket {
  try {
    // Without SO_REUSEPORT the kernel reports a port that is in use.
    if (!shared && port !== 0) bind({ port, reusePort: false }).close()
    return bind({ port, reusePort: true })
  } catch (cause) {
    if (!isCode(cause, 'EADDRINUSE', 'EACCES')) throw cause
    const reason = isCode(cause, 'EACCES') ? 'this user may not listen on it' : 'another process listens on it'
    throw new PaasError('port_in_use', `Port ${port} cannot be used: ${reason}.`, { cause })
  }
}

function bind(options: { port: number; reusePort: boolean }): BoundSocket {
  try {
    return new BoundSocket({ ...options, host: '::' })
  } catch (cause) {
    if (!isCode(cause, 'EAFNOSUPPORT', 'EADDRNOTAVAIL')) throw cause
    return new BoundSocket({ ...options, host: '0.0.0.0' })
  }
}

/**
 * Makes the kernel give connections that wait at a closing socket to the other one of the port
 * (Linux ≥ 5.14).
 */
const migration = '/proc/sys/net/ipv4/tcp_migrate_req'

/**
 * Stops listening on a port that another process listens on too, without resetting connections that
 * were made but not accepted yet. Where the kernel's help cannot be had, that is left to the
 * moment: right after a turn of the event loop in which none had come.
 */
export async function leaveSharedPort(server: Server): Promise<void> {
  // Older kernels, and users other than root, cannot do this; it works without.
  await writeFile(migration, '1').catch(() => undefined)
  let came = true
  server.on('connection', () => (came = true))
  for (let turns = 0; came && turns < 1_000; turns++) {
    came = false
    await setImmediate()
  }
  server.close()
}
