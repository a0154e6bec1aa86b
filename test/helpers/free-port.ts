import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Where the kernel begins to give ports to outgoing connections: /proc/sys/net/ipv4/ip_local_port_range. */
const firstOutgoing = 32_768

/**
 * A TCP port that nobody listens on now, and that no connection of another test can get before the program that it is for
 * listens there, or while that is started again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, firstOutgoing)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port)
  try {
    await once(server, 'listening')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw cause
  }
  server.close()
  await once(server, 'close')
  return true
}
