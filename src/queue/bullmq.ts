import { loadWithout, unusedModules } from '../load-without.ts'

export const { Queue, Worker } = await loadWithout(unusedModules.bullmq, () => import('bullmq'))
