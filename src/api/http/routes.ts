import type { RouteOptions } from 'fastify'
import type { Api } from '../deps.ts'

export type Route = { method: string; url: string }

/** The routes that are added from now on; complete once the server is ready. */
export function collectRoutes(api: Api): readonly Route[] {
  const routes: Route[] = []
  api.addHook('onRoute', ({ url, method }: RouteOptions) => {
    routes.push(...[method].flat().map((one) => ({ method: one, url })))
  })
  return routes
}
