import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { guardedLookup, refuseForbiddenAddress, type Destination } from './destination.ts'
import type { Outbound } from './outbound.ts'

/** Milliseconds a connection may take to come about, TLS included. */
const patience = 10_000

/**
 * A connection to a server that only listens.
 * @throws address_forbidden, and whatever the network or TLS says
 */
export async function openStream(
  { policy, trust }: Outbound,
  destination: Destination & { secure: boolean },
  signal: AbortSignal,
): Promise<Socket> {
  refuseForbiddenAddress(policy, destination)
  const { host, port, secure } = destination
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const to = { host, port, lookup: guardedLookup(policy, port) }
  const socket = secure
    ? connectSecure({ ...to, secureContext: trust(), ...(isIP(host) ? {} : { servername: host }) }, resolve)
    : connectPlain(to, resolve)
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(patience)])
  const giveUp = (): void => void socket.destroy(deadline.reason as Error)
  deadline.addEventListener('abort', giveUp)
  socket.once('error', reject)
  try {
    await promise
  } catch (cause) {
    socket.destroy()
    throw cause
  } finally {
    deadline.removeEventListener('abort', giveUp)
  }
  // The content is not used, but it must be read, or its end is never seen.
  return socket.resume()
}
