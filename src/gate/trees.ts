import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { addAbortSignal, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { archivedFile } from '../engine/docker/archived-file.ts'
import { describeOwn, type ImageFound } from '../engine/docker/image-config.ts'
import { keepsLayers } from '../engine/docker/layers-below.ts'
import { readLoadAnswer } from '../engine/docker/load-answer.ts'
import { imageName } from '../engine/docker/names.ts'
import { sendLayer } from '../engine/docker/sent-layer.ts'
import type { SandboxFile } from '../engine/sandbox.ts'
import { refusalOf, type GatedEngine } from './engine.ts'
import type { GateOwner } from './own.ts'
import { refuseUnless } from './refused.ts'
import { isObject, isText, like, shaped, textsByName } from './shape.ts'
import type { Things } from './things.ts'
import type { TreeOrder } from '../model/tree-order.ts'

type TreeDeps = { engine: GatedEngine; things: Things; owner: GateOwner }

/** A layer and the image that it is put on, by its digest. */
type NewLayer = { base: string; layer: Readable; bytes: number; config: () => { labels: Record<string, string> } }

const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0

/** @throws Refused */
export function readTreeOrder(body: unknown): TreeOrder {
  const shape = {
    sandbox: isText,
    file: like(/^\/[^\0]*$/),
    base: like(/^sha256:[0-9a-f]{64}$/),
    owner: (value: unknown) => isObject(value) && isCount(value['uid']) && isCount(value['gid']),
    slugBytes: isCount,
    labels: textsByName,
    bytesLabel: isText,
  }
  const order = shaped(body, shape, 'an order of a tree')
  refuseUnless(Object.keys(order).length === Object.keys(shape).length, 'an order of a tree lacks something')
  return order as TreeOrder
}

/**
 * What an image with a tree is made with, of what is this server's alone. The layer's digest is
 * known here, so that it cannot be another's.
 */
export class GateMeans {
  readonly #deps: TreeDeps
  readonly #signal: AbortSignal

  /** @param signal ends all that is underway */
  constructor(deps: TreeDeps, signal: AbortSignal) {
    this.#deps = deps
    this.#signal = signal
  }

  /** @throws Refused for a container that is not this server's */
  readonly read = async (container: string, path: string): Promise<SandboxFile | undefined> => {
    await this.#deps.things.check({ kind: 'container', id: container })
    const query = new URLSearchParams({ path })
    const answer = await this.#deps.engine.get(`/containers/${container}/archive?${query.toString()}`)
    addAbortSignal(this.#signal, answer)
    if (answer.statusCode === 200) return archivedFile(answer)
    if (answer.statusCode === 404) return void answer.resume()
    throw await refusalOf(answer)
  }

  /**
   * @returns the image's name; undefined: the engine takes no layer before it has its digest
   * @throws Refused for a base that is not this server's, and what the engine says
   */
  readonly append = async ({ base, layer, bytes, config }: NewLayer): Promise<string | undefined> => {
    const { engine, things, owner } = this.#deps
    await things.check({ kind: 'image', name: base, shared: true })
    const image = await engine.find<ImageFound>(`/images/${base}/json`)
    if (!image || !keepsLayers(image)) return undefined
    const reference = imageName(owner.serverId)
    const below = { diffIds: image.RootFS.Layers ?? [], blobs: undefined }
    const describe = (digest: string) => describeOwn(owner.serverId, { below: image, config: config(), digest })
    const sent = { layer, bytes, below, reference, describe }
    try {
      await sendLayer(sent, (archive, broken) => this.#load(archive, AbortSignal.any([this.#signal, broken])))
      return reference
    } catch (error) {
      await this.#remove(reference)
      throw error
    }
  }

  async #load(archive: Readable, signal: AbortSignal): Promise<void> {
    const headers = { 'content-type': 'application/x-tar' }
    const call = this.#deps.engine.call({ method: 'POST', path: '/images/load?quiet=1', headers })
    // Whoever waits for the answer is told.
    call.on('error', () => undefined)
    const answered = once(call, 'response', { signal }) as Promise<[IncomingMessage]>
    try {
      // The engine may refuse it before it has all.
      const [[answer]] = await Promise.all([answered, Promise.race([pipeline(archive, call, { signal }), answered])])
      if (answer.statusCode !== 200) throw await refusalOf(answer)
      await readLoadAnswer(addAbortSignal(signal, answer))
    } finally {
      call.destroy()
    }
  }

  /** What the engine may have taken of an image that is not whole. */
  async #remove(reference: string): Promise<void> {
    const call = this.#deps.engine.call({ method: 'DELETE', path: `/images/${reference}?force=1` }).end()
    const answered = once(call, 'response') as Promise<[IncomingMessage]>
    // Nothing is there mostly, and an engine that is away says so where it was asked first.
    await answered.then(
      ([answer]) => answer.resume(),
      () => undefined,
    )
  }
}
