import { connect } from 'node:net'
import type { RouterLimits } from './limits.ts'
import { pump } from './pump.ts'
import type { Rendezvous } from './visitor.ts'

export type RendezvousRelayDeps = { socketPath: string; limits: RouterLimits['rendezvous'] }

/**
 * Passes connections of attached one-off dynos to the worker at `socketPath` unchanged, including
 * the token. Each direction ends by itself; if one end breaks or is idle for too long, both are
 * closed.
 */
export function openRendezvous({ socketPath, limits }: RendezvousRelayDeps): Rendezvous {
  let open = 0
  return (client, begin) => {
    if (open >= limits.connections) return void client.destroy()
    open++
    client.once('close', () => open--)
    const server = connect({ path: socketPath, allowHalfOpen: true })
    server.write(begin)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setTimeout(limits.idle, () => from.destroy())
      // `close` follows every error and is what is acted on.
      from.on('error', () => from.destroy())
      pump(from, to)
    }
  }
}
