import type { ErrorCode } from '../../errors.ts'
import type { Api } from '../deps.ts'

/** Seconds until a client asks again: the api of a server that restarts is back about then. */
const retryAfter = '2'

/**
 * While the api closes, requests on connections that are still open get an error of the usual form,
 * and none is begun.
 */
export function refuseWhileClosing(api: Api): void {
  let isClosing = false
  api.addHook('preClose', async () => {
    isClosing = true
  })
  api.addHook('onRequest', async (_request, reply) => {
    if (!isClosing) return undefined
    const message = 'The server is restarting or stopping; nothing was started. Try again in a few seconds.'
    reply.headers({ Connection: 'close', 'Retry-After': retryAfter })
    return reply.code(503).send({ id: 'server_closing' satisfies ErrorCode, message })
  })
}
