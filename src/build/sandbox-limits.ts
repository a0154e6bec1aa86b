import type { Limits } from '../engine/engine.ts'

/**
 * Processes and threads in one build: bundlers start a few per core, a fork bomb does not get far.
 */
const mostProcesses = 1024
/** What a build and its cache may take on disk: a slug of the largest size several times over. */
const mostDiskMiB = 10 * 1024

export type BuildLimits = { memoryMiB: number; cpus: number; diskMiB?: number }

/** What a sandbox is held to. */
export function sandboxLimits({ memoryMiB, cpus, diskMiB = mostDiskMiB }: BuildLimits): Limits & { diskMiB: number } {
  return { memoryMiB, cpus, pids: mostProcesses, diskMiB }
}
