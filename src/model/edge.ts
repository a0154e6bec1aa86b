import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * What an app's owner sets of the requests that the router lets through. Networks in CIDR notation;
 * null: the usual limit.
 */
export type Edge = {
  /** Empty: everybody. */
  allow: string[]
  /** Refused, whatever `allow` says. */
  deny: string[]
  /** Who may log in (RFC 7617); empty: nobody needs to. */
  users: EdgeUser[]
  bodyBytes: number | null
  /** From the end of a request to the head of its answer. */
  answerSeconds: number | null
  /** Without a byte either way. */
  idleSeconds: number | null
  /** What the router speaks with the app; null: HTTP/1.1. `h2c`: HTTP/2 in the clear. */
  protocol: 'h2c' | null
}

/**
 * `hash` is of salt and password: passwords are long and random (see `leastPassword`), so that one
 * quick hash keeps them, and a request costs no more than that.
 */
export type EdgeUser = { name: string; salt: string; hash: string }

/** What is set, as the router has it. */
export type RouteEdge = Partial<{
  allow: string[]
  deny: string[]
  users: EdgeUser[]
  bodyBytes: number
  answerMs: number
  idleMs: number
  /** A visitor's requests go to the dyno that answered the first. */
  affinity: true
  protocol: 'h2c'
}>

export const openEdge: Edge = {
  allow: [],
  deny: [],
  users: [],
  bodyBytes: null,
  answerSeconds: null,
  idleSeconds: null,
  protocol: null,
}

/** Characters. */
export const leastPassword = 16

export function hashEdgePassword(salt: string, password: string): string {
  return createHash('sha256').update(`${salt}:${password}`).digest('base64url')
}

/** @param users of the same name there is one at most */
export function isEdgeUser(users: EdgeUser[], name: string, password: string): boolean {
  const user = users.find((one) => one.name === name)
  if (user === undefined) return false
  return timingSafeEqual(Buffer.from(hashEdgePassword(user.salt, password)), Buffer.from(user.hash))
}

/** undefined: nothing is set, and nothing is looked at. */
export function routeEdgeOf(edge: Edge, { affinity }: { affinity: boolean }): RouteEdge | undefined {
  const { allow, deny, users, bodyBytes, answerSeconds, idleSeconds, protocol } = edge
  const set: RouteEdge = {
    ...(allow.length > 0 && { allow }),
    ...(deny.length > 0 && { deny }),
    ...(users.length > 0 && { users }),
    ...(bodyBytes !== null && { bodyBytes }),
    ...(answerSeconds !== null && { answerMs: answerSeconds * 1000 }),
    ...(idleSeconds !== null && { idleMs: idleSeconds * 1000 }),
    ...(affinity && { affinity }),
    ...(protocol !== null && { protocol }),
  }
  return Object.keys(set).length > 0 ? set : undefined
}
