import { connect, type Socket } from 'node:net'
import type { RouterLimits } from '../limits.ts'
import type { Rendezvous } from '../visitor.ts'

export type RendezvousDeps = { socketPath: string; limits: RouterLimits['rendezvous'] }

/**
 * Hands connections to whoever serves attached one-off dynos at `socketPath`, as they are, token included. Each way ends
 * by itself; when one end breaks or nothing is said for too long, both are closed.
 */
export function openRendezvous({ socketPath, limits }: RendezvousDeps): Rendezvous {
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
      pass(from, to)
    }
  }
}

/** With back-pressure; `close` follows every error and is what is acted on. */
function pass(from: Socket, to: Socket): void {
  from.on('data', (data) => {
    if (!to.write(data)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
  from.on('error', () => from.destroy())
  from.on('close', () => to.destroySoon())
  if (from.readableEnded) to.end()
  from.resume()
}
