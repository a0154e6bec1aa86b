import { readServices } from '../../services/definition.ts'
import type { Service } from '../../model/service.ts'
import type { ApiDeps } from '../deps.ts'

export type AddonDeps = Pick<ApiDeps, 'store' | 'config' | 'queue' | 'platformLog' | 'log'>

/** All that there are now: an operator may add one while the server runs. */
export function servicesOf({ config, log }: Pick<AddonDeps, 'config' | 'log'>): Service[] {
  return readServices(config.servicesDirectories, (problem) => log.error({ err: problem }, 'a service cannot be read'))
}
