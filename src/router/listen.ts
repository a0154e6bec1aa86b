import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type ListenOptions, type Server } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { isCode, PaasError } from '../errors.ts'

/**
 * Listens on every address of the machine. The port is shared with the router that takes over from this one, so
 * that no connection is refused between the two; any other holder of the port is found out first.
 * @param shared a router of this same server has the port now, and will leave it
 * @throws port_in_use
 */
export async function listenOn(server: Server, port: number, { shared }: { shared: boolean }): Promise<void> {
  try {
    if (!shared && port !== 0) await probe(port)
    await listen(server, { port, backlog: 4096, reusePort: true })
  } catch (cause) {
    if (!isCode(cause, 'EADDRINUSE', 'EACCES')) throw cause
    throw new PaasError('port_in_use', `Port ${port} cannot be used: ${(cause as Error).message}.`, { cause })
  }
}

/** Makes the kernel give connections that wait at a closing socket to the other one of the port (Linux ≥ 5.14). */
const migration = '/proc/sys/net/ipv4/tcp_migrate_req'

/**
 * Stops listening on a port that another process listens on too, without resetting connections that were made but
 * not accepted yet. Where the kernel's help cannot be had, that is left to the moment: right after a turn of the
 * event loop in which none had come.
 */
export async function leaveSharedPort(server: Server): Promise<void> {
  await writeFile(migration, '1').catch(() => undefined) // an older kernel, or not root: done without
  let came = true
  server.on('connection', () => (came = true))
  for (let turns = 0; came && turns < 1_000; turns++) {
    came = false
    await setImmediate()
  }
  server.close()
}

/** Without SO_REUSEPORT the kernel says whether anybody has the port. */
async function probe(port: number): Promise<void> {
  const server = createServer()
  await listen(server, { port })
  server.close()
  await once(server, 'close')
}

async function listen(server: Server, options: ListenOptions): Promise<void> {
  try {
    await listenAt(server, { ...options, host: '::' })
  } catch (cause) {
    if (!isCode(cause, 'EAFNOSUPPORT', 'EADDRNOTAVAIL')) throw cause
    await listenAt(server, { ...options, host: '0.0.0.0' })
  }
}

async function listenAt(server: Server, options: ListenOptions): Promise<void> {
  const listening = once(server, 'listening')
  server.listen(options)
  await listening
}
