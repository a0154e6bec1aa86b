import { appOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'

const ofAccount = ['addons', 'addon-attachments', 'pipelines', 'teams', 'spaces']
const ofApp = ['addons', 'addon-attachments']

/**
 * What Heroku has and this server does not (../http/absent.ts), and what its clients list all the
 * same: to complete names, or before they show an app.
 */
export function emptyListRoutes(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  for (const list of ofAccount) api.get(`/${list}`, (request, reply) => page(request, reply, [], order))
  for (const list of ofApp) {
    api.get(`/apps/:app/${list}`, (request, reply) => {
      appOf(store, request)
      return page(request, reply, [], order)
    })
  }
}

const order = { name: () => '', id: () => '' }
