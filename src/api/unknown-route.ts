import type { FastifyRequest, RouteOptions } from 'fastify'
import { PaasError } from '../errors.ts'
import type { Api } from './deps.ts'

/** Answers a path that is not ours with 404, and a known path with another method with 405 and `Allow` (RFC 9110, 15.5.6). */
export function answerUnknownRoutes(api: Api): void {
  const routes: { pattern: RegExp; methods: string[] }[] = []
  api.addHook('onRoute', ({ url, method }: RouteOptions) => {
    routes.push({ pattern: patternOf(url), methods: [method].flat() })
  })
  api.setNotFoundHandler((request, reply) => {
    const methods = routes.filter(({ pattern }) => pattern.test(pathOf(request))).flatMap((route) => route.methods)
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
