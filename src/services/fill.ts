import { fillOf, type Fill } from '../model/volume.ts'

const mebibyte = 2 ** 20
/** Bytes below which the engine's disk itself is full, and those at which it is not any more. */
const leastFree = { stop: 256 * mebibyte, again: 512 * mebibyte }
/** Of its plan's disk: what one that was full must be below to be written again. */
const again = 0.95

/**
 * How full an add-on is: by its plan, or because the disk that it shares with others is. What was
 * full stays so until there is some room, so that it does not go to and fro.
 * @param free bytes left on the engine's disk; undefined: not known
 */
export function addonFill(
  before: Fill,
  { bytes, limitMiB, free = Infinity }: { bytes: number; limitMiB: number; free?: number | undefined },
): { fill: Fill; shared: boolean } {
  const wasFull = before === 'full'
  if (free < (wasFull ? leastFree.again : leastFree.stop)) return { fill: 'full', shared: true }
  const fill = fillOf(bytes, limitMiB)
  const stays = wasFull && bytes >= again * limitMiB * mebibyte
  return { fill: stays ? 'full' : fill, shared: false }
}
