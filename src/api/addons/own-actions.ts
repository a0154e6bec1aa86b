import { PaasError } from '../../errors.ts'
import { newPassword, type Addon, type AddonWork } from '../../model/addon.ts'
import type { Api } from '../deps.ts'
import { wake } from '../http/wake.ts'
import { addonJson } from './addon-json.ts'
import { ask, infoOf, type DataDeps } from './data.ts'
import { servicesOf } from './deps.ts'
import { addonOf } from './find.ts'

const config = { scope: 'protected' } as const

/** Our own additions, the same for every service: how it is now, an empty one, another password. */
export function addonActionRoutes(api: Api, deps: DataDeps): void {
  api.get('/addons/:addon/info', { config }, async (request) => {
    const addon = addonOf(deps.store, request, 'deploy')
    return { name: addon.name, info: await infoOf(deps, addon, request.signal) }
  })

  for (const work of ['rotate', 'reset'] as const) {
    api.post(`/addons/:addon/actions/${work}`, { config }, async (request, reply) => {
      const addon = addonOf(deps.store, request, 'deploy')
      checkCan(deps, addon, work)
      ask(deps, addon, work, work === 'rotate' ? newPassword() : undefined)
      await wake(deps, reply, { kind: 'addons' })
      return addonJson({ store: deps.store, services: servicesOf(deps), request }, addon)
    })
  }
}

/** @throws invalid_params */
function checkCan(deps: DataDeps, addon: Addon, work: AddonWork): void {
  const service = servicesOf(deps).find(({ name }) => name === addon.service)
  if (service?.scripts.includes(work)) return
  const what = work === 'rotate' ? 'has no password' : 'cannot be reset'
  throw new PaasError('invalid_params', `${service?.title ?? addon.service} ${what}.`)
}
