import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { forEachEntry } from '../../tar.ts'
import type { Engine } from '../../engine/engine.ts'
import { label } from '../../engine/labels.ts'
import type { ImageState, PackageUpdate } from '../../model/stack.ts'
import type { Stack } from './stack.ts'

/** dpkg's record of what is installed. */
const path = '/var/lib/dpkg/status'
/** Milliseconds for which an answer of Debian's mirror will do for whoever only looks. */
const fresh = 600_000

type Status = { content: Buffer; hash: string; packagesAt: Date }
type Looked = { at: number; snapshot: string; updates: Map<string, PackageUpdate[]> }
export type LookedUp = { snapshot: string; states: ImageState[] }

/**
 * Knows how up to date the packages of images are. An image never changes, so that each is read
 * once; what Debian has is asked again after a while.
 */
export class ImageStates {
  readonly #engine: Pick<Engine, 'findImage' | 'readImage'>
  readonly #stack: Pick<Stack, 'updatesOf'>
  readonly #statuses = new Map<string, Promise<Status | undefined>>()
  #looked: Looked | undefined
  /** One question at a time: each takes a sandbox. */
  #looking: Promise<unknown> = Promise.resolve()

  constructor(engine: Pick<Engine, 'findImage' | 'readImage'>, stack: Pick<Stack, 'updatesOf'>) {
    this.#engine = engine
    this.#stack = stack
  }

  /**
   * @param digests of images that this server made on the stack
   * @param now asks Debian's mirror in any case
   * @throws stack_unavailable
   */
  async of(digests: string[], { now }: { now: boolean }, signal: AbortSignal): Promise<LookedUp> {
    const statuses = await this.#read(digests, signal)
    const looking = this.#looking.then(() => this.#look(statuses, now, signal))
    this.#looking = looking.catch(() => undefined)
    const { snapshot, updates } = await looking
    const states = statuses.map((status): ImageState =>
      status ? { packagesAt: status.packagesAt, updates: updates.get(status.hash) ?? [] } : null,
    )
    return { snapshot, states }
  }

  /** One after another: each takes a container. */
  async #read(digests: string[], signal: AbortSignal): Promise<(Status | undefined)[]> {
    for (const known of this.#statuses.keys()) if (!digests.includes(known)) this.#statuses.delete(known)
    const statuses: (Status | undefined)[] = []
    for (const digest of digests) {
      const reading = this.#statuses.get(digest) ?? readStatus(this.#engine, digest, signal)
      this.#statuses.set(digest, reading)
      reading.catch(() => this.#statuses.delete(digest))
      statuses.push(await reading)
    }
    return statuses
  }

  async #look(statuses: (Status | undefined)[], now: boolean, signal: AbortSignal): Promise<Looked> {
    const wanted = new Map(statuses.flatMap((status) => (status ? [[status.hash, status.content] as const] : [])))
    if (wanted.size === 0) return { at: 0, snapshot: '', updates: new Map() }
    const known = this.#looked
    const isFresh = !now && known !== undefined && Date.now() - known.at < fresh
    if (isFresh && [...wanted.keys()].every((hash) => known.updates.has(hash))) return known
    const { snapshot, updates } = await this.#stack.updatesOf([...wanted.values()], signal)
    const byHash = new Map([...wanted.keys()].map((hash, index) => [hash, updates[index] ?? []]))
    this.#looked = { at: Date.now(), snapshot, updates: byHash }
    return this.#looked
  }
}

/** Not of Dockerfiles' images: strangers wrote what is in them. */
async function readStatus(
  engine: Pick<Engine, 'findImage' | 'readImage'>,
  digest: string,
  signal: AbortSignal,
): Promise<Status | undefined> {
  const image = await engine.findImage(digest)
  if (!image || !(label.stack in image.labels) || image.labels['paas.packs'] === 'dockerfile') return undefined
  const tar = await engine.readImage(digest, path, signal)
  let status: Status | undefined
  if (tar) {
    await forEachEntry(tar, async (entry) => {
      const content = await buffer(entry)
      const hash = createHash('sha256').update(content).digest('hex')
      status = { content, hash, packagesAt: entry.header.mtime ?? image.createdAt }
    })
  }
  return status
}
