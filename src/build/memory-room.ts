import { freemem, totalmem } from 'node:os'
import type { Engine } from '../engine/engine.ts'
import { within } from '../model/machine.ts'
import type { BuildLimits } from './sandbox-limits.ts'

/** Milliseconds after which what a build needs shows in the memory that is left. */
const untilShown = 15_000

type Used = { engine: Pick<Engine, 'machine'>; build: BuildLimits; availableMiB?: () => number }

/**
 * Whether the machine has the memory that one more build may take, next to those that have just
 * begun: less would have the kernel end something, a dyno as well as a build.
 * @returns a question, answered with what is missing in words, or undefined
 */
export function memoryRoom({ engine, build, availableMiB = available }: Used) {
  return async (begun: number[]): Promise<string | undefined> => {
    const machine = await engine.machine().catch(() => undefined)
    // An engine on another machine has memory of its own, of which nothing is known.
    if (!machine || Math.abs(machine.memoryMiB / mebibytes(totalmem()) - 1) > 0.02) return undefined
    const { memoryMiB } = within(build, machine)
    const now = performance.now()
    const promised = begun.filter((begunAt) => now - begunAt < untilShown).length * memoryMiB
    const left = Math.max(0, availableMiB() - promised)
    return left < memoryMiB ? `a build may take ${memoryMiB} MB, and ${left} MB are left` : undefined
  }
}

/** MemAvailable of /proc/meminfo, proc(5): what can be had without swapping. */
function available(): number {
  return mebibytes(freemem())
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 2 ** 20)
}
