import type { AppId, FormationId } from './ids.ts'

/** How many dynos of one process type should run, and of which size. */
export type Formation = {
  id: FormationId
  appId: AppId
  type: string
  /** 0 to 100. */
  quantity: number
  size: DynoSize
  createdAt: Date
  updatedAt: Date
}

/** Limits per size: memory in MiB (swap is the same: none beyond it), CPU in cores, processes. */
export const dynoSizes = {
  basic: { memory: 512, cpus: 1, pids: 256 },
  'standard-1x': { memory: 512, cpus: 1, pids: 512 },
  'standard-2x': { memory: 1024, cpus: 2, pids: 512 },
  'performance-m': { memory: 2560, cpus: 4, pids: 2048 },
} as const

export type DynoSize = keyof typeof dynoSizes

/** Heroku's rule for process type names. */
export const processTypePattern = /^[-\w]{1,128}$/
