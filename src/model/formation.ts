import type { AppId, FormationId } from './ids.ts'
import type { Machine } from './machine.ts'

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

/**
 * Limits per size, unless the operator says something else: memory in MiB (swap is the same: none
 * beyond it), CPU in cores, processes.
 */
export const dynoSizes = {
  eco: { memory: 512, cpus: 1, pids: 256 },
  basic: { memory: 512, cpus: 1, pids: 256 },
  'standard-1x': { memory: 512, cpus: 1, pids: 512 },
  'standard-2x': { memory: 1024, cpus: 2, pids: 512 },
  'performance-m': { memory: 2560, cpus: 4, pids: 2048 },
  'performance-l': { memory: 14_336, cpus: 8, pids: 4096 },
} as const

export type DynoSize = keyof typeof dynoSizes
/** What each size is on a server. */
export type DynoSizes = Record<DynoSize, { memory: number; cpus: number; pids: number }>

/** What a dyno of a size may have on a server. */
export function limitsOf(sizes: DynoSizes, size: DynoSize): Machine & { pids: number } {
  const { memory, cpus, pids } = sizes[size]
  return { memoryMiB: memory, cpus, pids }
}

/** Heroku's rule for process type names. */
export const processTypePattern = /^[-\w]{1,128}$/

/** How many dynos of a type a release runs, and of which size. */
export type Share = Pick<Formation, 'type' | 'quantity' | 'size'>

/**
 * What app.json asks of process types at the first deploy; null: not said. Sizes are as written
 * there, in any case.
 */
export type AskedFormation = Record<string, { quantity: number | null; size: string | null }>

/**
 * The formation a release with these process types runs in: what is set for a type stays; types
 * that are new get at the very first deploy what app.json asks for, else `web` one dyno and all
 * others none (Heroku's rule). The release command is no process type to run.
 * @param present what is set, which may be something before the first deploy too
 * @param asked app.json's formation, given at the first deploy only
 */
export function formationFor(present: Share[], types: string[], asked?: AskedFormation): Share[] {
  const isFirst = asked !== undefined || present.length === 0
  const first = isFirst ? new Map(Object.entries(asked ?? {})) : undefined
  return scalableTypes(types).map((type) => {
    const known = present.find((share) => share.type === type)
    if (known) return known
    const { quantity, size } = { quantity: null, size: null, ...first?.get(type) }
    return { type, quantity: quantity ?? (first ? firstQuantity(type) : 0), size: sizeNamed(size) ?? 'basic' }
  })
}

/** The size of that name, in upper or lower case, as on Heroku; undefined: unknown. */
export function sizeNamed(name: string | null): DynoSize | undefined {
  return (Object.keys(dynoSizes) as DynoSize[]).find((size) => size === name?.toLowerCase())
}

/** How many dynos of a type the first deploy starts, unless it is told otherwise. */
export function firstQuantity(type: string): number {
  return type === 'web' ? 1 : 0
}

export function scalableTypes(types: string[]): string[] {
  return types.filter((type) => type !== 'release')
}
