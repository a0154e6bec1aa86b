import { appOf } from './access.ts'
import type { Api, ApiDeps } from './deps.ts'

/** There are no add-ons here. Heroku's command looks for some all the same, such as before it shows an app. */
export function addOnRoutes(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  for (const list of ['addons', 'addon-attachments']) {
    api.get(`/${list}`, () => [])
    api.get(`/apps/:app/${list}`, (request) => {
      appOf(store, request)
      return []
    })
  }
}
