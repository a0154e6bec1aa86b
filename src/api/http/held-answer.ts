import type { FastifyReply } from 'fastify'
import type { Grants } from '../../grants/grants.ts'
import type { Grant } from '../../model/grant.ts'

/**
 * Holds an answer, and the request that it belongs to, to what allows it: both are cut when that
 * has ended.
 * @throws forbidden
 */
export function holdAnswer(grants: Grants, grant: Grant, { raw, request }: FastifyReply): AbortSignal {
  const held = grants.hold(grant)
  if (raw.closed || raw.destroyed) held[Symbol.dispose]()
  else raw.once('close', () => held[Symbol.dispose]())
  held.signal.addEventListener('abort', () => {
    request.raw.destroy()
    raw.destroy()
  })
  return held.signal
}
