import { loadWithout, unusedModules } from '../../load-without.ts'

export const { default: Docker } = await loadWithout(unusedModules.dockerode, () => import('dockerode'))
