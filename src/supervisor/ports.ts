import type { Config } from '../config.ts'
import { hasPort, type RouterSettings } from '../router/control/protocol.ts'
import { bindPort } from '../router/listen.ts'

/**
 * Descriptors of the sockets that routers listen at, of the HTTP port and the TLS port in this
 * order.
 */
export type HeldPorts = Disposable & { fds: number[] }

/**
 * Binds the public ports for all the routers that the server starts one after the other, and
 * accepts nothing itself. While no router runs, connections wait in the kernel's queue. Sockets
 * that systemd has bound are used as they are.
 * @param serving settings of a router of this server that has its ports already and will leave them
 * @throws port_in_use
 */
export function holdPorts(
  { httpPort, httpsPort, sockets }: Pick<Config, 'httpPort' | 'httpsPort' | 'sockets'>,
  serving: RouterSettings | undefined,
): HeldPorts {
  using binding = new DisposableStack()
  const hold = (port: number): number => binding.use(bindPort({ port, shared: hasPort(serving, port) })).fd()
  const ports = [httpPort, httpsPort].filter((port) => port !== undefined)
  const fds = ports.map((port, i) => sockets[i] ?? hold(port))
  const held = binding.move()
  return { fds, [Symbol.dispose]: () => held.dispose() }
}
