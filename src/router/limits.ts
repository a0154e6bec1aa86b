import { readFileSync } from 'node:fs'

/** Milliseconds; Heroku's router has the same. */
export type TimeLimits = {
  /** Until the app accepted the connection: H19. */
  connect: number
  /** From the end of the request to the head of the response: H12. */
  firstByte: number
  /** Without a byte either way, in uploads, responses and tunnels: H15, H28. */
  idle: number
}

/** What is held back for one app while its dyno is replaced. */
export type HoldLimits = {
  /** Milliseconds that a request waits. */
  time: number
  requests: number
  /** Of the heads of these requests. */
  bytes: number
}

export type RouterLimits = {
  app: TimeLimits
  /**
   * The api has limits of its own; a push whose build is quiet must not be cut. `connect` is as
   * long as a restart may take.
   */
  control: TimeLimits
  /** Milliseconds from a connection's or request's first byte to the end of its head. */
  head: number
  /**
   * Milliseconds that a connection may be idle before its first request, and between two, as its
   * client is told.
   */
  keepAlive: number
  /** Milliseconds after what its client was told, for the next request's way here. */
  keepAliveGrace: number
  /**
   * Milliseconds that a connection which we ended is still read from, until its client ends it too.
   */
  linger: number
  /** Bytes of one head, of requests and responses. Heroku's CLI sends a Request-Id that grows. */
  headBytes: number
  /** Milliseconds from a TLS connection's begin to the end of its handshake. */
  handshake: number
  /** Open connections in all, and from one address. */
  connections: number
  connectionsPerAddress: number
  /** Open connections whose latest request was for one app. */
  connectionsPerApp: number
  /** Requests in progress on one connection of HTTP/2. Each counts as a connection, too. */
  streams: number
  /** Connections to one-off dynos: how many at once, and milliseconds without a byte either way. */
  rendezvous: { connections: number; idle: number }
  hold: HoldLimits
}

export const defaultLimits: RouterLimits = {
  app: { connect: 5_000, firstByte: 30_000, idle: 55_000 },
  control: { connect: 15_000, firstByte: 120_000, idle: 1_200_000 },
  head: 10_000,
  keepAlive: 60_000,
  keepAliveGrace: 5_000,
  linger: 5_000,
  headBytes: 65_536,
  handshake: 10_000,
  connections: 10_000,
  connectionsPerAddress: 4_000,
  connectionsPerApp: 5_000,
  streams: 100,
  rendezvous: { connections: 500, idle: 3_600_000 },
  hold: { time: 60_000, requests: 1_000, bytes: 16 * 2 ** 20 },
}

/**
 * The default limits, those of the settings, and as many connections as this process has file
 * descriptors for: three each (one kept).
 * @param appShare percent of all connections that one app may have
 */
export function limitsOfThisProcess({ appShare, hold }: { appShare: number; hold: HoldLimits }): RouterLimits {
  const possible = Math.min(defaultLimits.connections, Math.floor((openFilesLimit() - 200) / 3))
  const connections = Math.max(possible, 50)
  return { ...defaultLimits, hold, connections, connectionsPerApp: Math.ceil((connections * appShare) / 100) }
}

function openFilesLimit(): number {
  const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  return soft === undefined ? Infinity : Number(soft)
}
