import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import type { DiskUsage } from './disk-usage.ts'
import type { Host } from './host.ts'

/**
 * The least pause between two measurements in milliseconds, and as a multiple of their duration:
 * there is no event for this, and each measurement walks the files.
 */
const pause = 3000
const pausePerLook = 10

/**
 * Files that go with a MiB: ext4 has one for every 16 KiB of a disk (mke2fs.conf(5), inode_ratio),
 * and they end as bytes do.
 */
const filesPerMiB = 64

const hint = 'The build cache counts too. Push with -o no-cache to use an empty one.'

type Watched = { container: Docker.Container; limitMiB: number; host: Pick<Host, 'diskUsage'> }

/**
 * Ends with an error once the container has written more than the limit: the file systems Docker
 * mostly runs on have no quota for a container. Ends without one at an abort and with the
 * container.
 * @throws build_failed
 */
export async function watchDisk({ container, limitMiB, host }: Watched, signal: AbortSignal): Promise<void> {
  for (let took = 0; ;) {
    await delay(Math.max(pause, took * pausePerLook), undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    const begin = performance.now()
    const usage = await host.diskUsage(container, mostOf(limitMiB), signal)
    if (!usage) return
    took = performance.now() - begin
    const excess = excessOf(usage, limitMiB)
    if (excess !== undefined) {
      throw new PaasError('build_failed', `The build wrote ${excess} to disk, its limit.`, { hint })
    }
  }
}

/** `more than 10240 MiB` or `more than 655360 files`; undefined within the limit. */
export function excessOf({ bytes, files }: DiskUsage, limitMiB: number): string | undefined {
  const most = mostOf(limitMiB)
  if (bytes > most.bytes) return `more than ${limitMiB} MiB`
  if (files > most.files) return `more than ${most.files} files`
  return undefined
}

export function mostOf(limitMiB: number): DiskUsage {
  return { bytes: limitMiB * 2 ** 20, files: limitMiB * filesPerMiB }
}
