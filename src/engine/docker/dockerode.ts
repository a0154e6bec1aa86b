import { loadWithout } from '../../load-without.ts'

export const { default: Docker } = await loadWithout('dockerode', () => import('dockerode'))
