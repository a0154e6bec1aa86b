import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import { unlessMissing } from './client.ts'

const run = promisify(execFile)

/** Milliseconds between two looks. There is no event for this, and each look walks the files. */
const pause = 3000

type Watched = { container: Docker.Container; cache: Docker.Volume | undefined; limitMiB: number }

/**
 * Ends with an error once the container's own layer and its cache volume together hold more than the limit: the
 * file systems Docker mostly runs on have no quota for a container. Ends without one at an abort
 * and with the container.
 * @throws build_failed
 */
export async function watchDisk({ container, cache, limitMiB }: Watched, signal: AbortSignal): Promise<void> {
  for (;;) {
    await delay(pause, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    const layer = await unlessMissing(layerBytes(container))
    if (layer === undefined) return
    const used = layer + (cache ? await volumeBytes(cache, signal) : 0)
    if (used > limitMiB * 2 ** 20) {
      throw new PaasError('build_failed', `The build wrote more than ${limitMiB} MiB to disk, the limit of a build.`)
    }
  }
}

/** What a container has written over its image. */
export async function layerBytes(container: Docker.Container): Promise<number> {
  const withSize: object = { size: true }
  const info = (await container.inspect(withSize)) as { SizeRw?: number }
  return info.SizeRw ?? 0
}

/** Only where the engine's directory is on this machine and readable; elsewhere the volume is not counted. */
async function volumeBytes(volume: Docker.Volume, signal: AbortSignal): Promise<number> {
  const { Mountpoint } = await volume.inspect()
  const result = await run('du', ['--summarize', '--one-file-system', '--block-size=1', Mountpoint], { signal }).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  )
  return Number.parseInt(result.stdout, 10) || 0
}
