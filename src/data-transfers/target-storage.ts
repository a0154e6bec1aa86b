import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Restic } from '../backups/restic.ts'
import type { DataTransferId } from '../model/ids.ts'
import type { BackupStorage } from './storage.ts'

const prefix = 'snapshot:'
const tag = 'paas-dump'

type Options = { restic: Restic; serverId: string; keepDays: number }

/** Backups at the server's target, in a repository of restic of their own, a snapshot each. */
export class TargetStorage implements BackupStorage {
  readonly #own: Options

  constructor(options: Options) {
    this.#own = options
  }

  async store(id: DataTransferId, content: Readable, signal: AbortSignal): Promise<string> {
    const { restic, serverId: host } = this.#own
    const failed = new AbortController()
    content.once('error', (cause) => failed.abort(cause))
    if (content.errored) failed.abort(content.errored)
    const either = AbortSignal.any([signal, failed.signal])
    await restic.open({ make: true, signal: either })
    using _held = await restic.hold({ alone: false }, either)
    // For restic an input that ends is whole: one that fails has no end, and restic is stopped.
    const input = content.pipe(new PassThrough())
    const { snapshot } = await restic.storeStream(input, { file: fileOf(id), tag, host }, either)
    return `${prefix}${snapshot}/${id}`
  }

  read(place: string, signal: AbortSignal): Readable {
    const [snapshot = '', id] = place.slice(prefix.length).split('/')
    const content = new PassThrough({ highWaterMark: 256 * 1024 })
    const gone = new AbortController()
    content.once('close', () => gone.abort())
    const either = AbortSignal.any([signal, gone.signal])
    const use = (output: Readable): Promise<void> => pipeline(output, content, { end: false })
    this.#read(snapshot, fileOf(id as DataTransferId), { use, signal: either }).then(
      () => content.end(),
      (cause: unknown) => content.destroy(cause as Error),
    )
    return content
  }

  async remove(places: string[], signal: AbortSignal): Promise<void> {
    const { restic } = this.#own
    using _alone = await restic.hold({ alone: true }, signal)
    await restic.remove(places.map(snapshotOf), signal)
  }

  /** A removal would keep restic from reading, and waits. */
  async #read(...[snapshot, file, how]: Parameters<Restic['read']>): Promise<unknown> {
    using _held = await this.#own.restic.hold({ alone: false }, how.signal)
    return await this.#own.restic.read(snapshot, file, how)
  }

  /** What a restored record does not know yet may still be wanted. */
  async tidy(places: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const { restic, serverId, keepDays } = this.#own
    if (!(await restic.open({ make: false, signal }))) return
    await restic.unlock(signal)
    const known = [...places].map(snapshotOf)
    const oldest = Date.now() - keepDays * 24 * 3600_000
    const lost = (await restic.snapshots(tag, signal)).filter(
      ({ id, hostname, time }) =>
        hostname === serverId && !known.some((one) => id.startsWith(one)) && Date.parse(time) < oldest,
    )
    if (lost.length === 0) return
    using _alone = await restic.hold({ alone: true }, signal)
    await restic.remove(
      lost.map(({ id }) => id),
      signal,
    )
  }
}

function fileOf(id: DataTransferId): string {
  return `/${id}.dump`
}

function snapshotOf(place: string): string {
  return place.slice(prefix.length).split('/')[0] ?? ''
}
