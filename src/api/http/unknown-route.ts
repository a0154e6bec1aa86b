import type { FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'
import { sayAbsent } from './absent.ts'
import type { Api } from '../deps.ts'
import type { Route } from './routes.ts'

/**
 * Answers a path that is not ours with 404, saying so of what Heroku alone has, and a known path
 * with another method with 405 and `Allow` (RFC 9110, 15.5.6).
 */
export function answerUnknownRoutes(api: Api, routes: readonly Route[]): void {
  api.setNotFoundHandler((request, reply) => {
    const said = sayAbsent(pathOf(request))
    if (said !== undefined) throw new PaasError('not_available', said)
    const methods = routes.filter(({ url }) => patternOf(url).test(pathOf(request))).map(({ method }) => method)
    if (methods.length === 0)
      throw new PaasError('not_found', `There is nothing at ${request.method} ${pathOf(request)}.`)
    const allowed = [...new Set(methods)].toSorted().join(', ')
    reply.header('Allow', allowed)
    throw new PaasError(
      'method_not_allowed',
      `${pathOf(request)} does not take ${request.method}; it takes ${allowed}.`,
    )
  })
}

function patternOf(url: string): RegExp {
  return new RegExp(`^${url.replaceAll(/:\w+/g, '[^/]+')}$`)
}

/** Cut, because it comes back in the answer. */
function pathOf({ url }: FastifyRequest): string {
  return (url.split('?')[0] ?? '').slice(0, 200)
}
