import { loadWithout } from '../load-without.ts'

export const { Queue, Worker } = await loadWithout('bullmq', () => import('bullmq'))
