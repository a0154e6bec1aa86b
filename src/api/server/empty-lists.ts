import type { Api } from '../deps.ts'
import { page } from '../http/page.ts'

const ofAccount = ['pipelines', 'teams', 'spaces']

/**
 * What Heroku has and this server does not (../http/absent.ts), and what its clients list all the
 * same: to complete names, or before they show an app.
 */
export function emptyListRoutes(api: Api): void {
  for (const list of ofAccount) api.get(`/${list}`, (request, reply) => page(request, reply, [], order))
}

const order = { name: () => '', id: () => '' }
