import { constants } from 'node:os'

/** How a dyno's process ended. */
export type DynoExit = { code: number; outOfMemory: boolean }

/** `exited with 127: command not found`, `was killed for memory at 512 MB`, … */
export function explainExit(exit: DynoExit | undefined, limits: { memory: number }): string {
  if (!exit) return 'exited while it started'
  if (exit.outOfMemory) return forMemory(limits)
  const meaning = meaningOf(exit.code)
  return `exited with ${exit.code}${meaning ? `: ${meaning}` : ''}`
}

/**
 * Shells report a signal as 128 + its number, and two codes of their own (POSIX, Shell Command
 * Language 2.8.2).
 */
function meaningOf(code: number): string | undefined {
  if (code === 0) return 'it ended by itself'
  if (code === 126) return 'the command cannot be executed'
  if (code === 127) return 'command not found'
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)
  return signal && `killed by ${signal[0]}`
}

export function forMemory({ memory }: { memory: number }): string {
  return `was killed for memory at ${memory} MB`
}
