import { asPaasError } from '../errors.ts'
import type { AppVolume } from '../model/volume.ts'

/** Bytes beyond which reading may take longer than dynos may be paused. */
const quick = 16 * 2 ** 20

/**
 * Copies a volume as it is at one moment, if that can be done while its dynos are paused. A large
 * one is copied twice, first while they run, so that little is new to the second time. What could
 * not be copied in time is what was copied first.
 */
export async function copyStill<T>(
  { bytes }: AppVolume,
  copy: (still: boolean) => Promise<T>,
): Promise<T & { isStill: boolean }> {
  const first = bytes !== null && bytes <= quick ? undefined : await copy(false).catch(unlessChanging)
  try {
    return { ...(await copy(true)), isStill: true }
  } catch (cause) {
    unlessChanging(cause)
    return { ...(first ?? (await copy(false))), isStill: false }
  }
}

function unlessChanging(cause: unknown): undefined {
  if (asPaasError(cause).code !== 'volume_changing') throw cause
}
