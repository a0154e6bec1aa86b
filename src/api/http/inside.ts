import type { FastifyRequest } from 'fastify'

/**
 * Where questions of the dashboard come from, in place of an address: no connection has this one,
 * so nobody else can claim it.
 */
export const insideAddress = 'dashboard'

/**
 * True when a page only reads what it shows. Pages look again whenever something has changed, so
 * that these are neither counted against the account's requests nor logged.
 */
export function isPagesLook({ socket, method }: FastifyRequest): boolean {
  return socket.remoteAddress === insideAddress && method === 'GET'
}
