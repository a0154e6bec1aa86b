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
import { openBelow } from './file-below.ts'
import { isCacheName, type GateOwner } from './own.ts'
import { refuseUnless } from './refused.ts'
import { isObject, isText, like, shaped, textsByName } from './shape.ts'
import type { Things } from './things.ts'
import type { TreeOrder } from '../model/tree-order.ts'

type TreeDeps = { engine: GatedEngine; things: Things; owner: GateOwner }

/** A layer, and the labels of the image that ends with it, once it has been read. */
type NewLayer = { layer: Readable; bytes: number; labels: () => Record<string, string> }

/** What is read of a container's description. */
type Mounted = { Mounts?: { Name?: string; Source: string; Destination: string }[] }

/** Bytes that are read at once. */
const pieceBytes = 256 * 1024

const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0

/** @throws Refused */
export function readTreeOrder(body: unknown): TreeOrder {
  const shape = {
    sandbox: isText,
    files: (value: unknown) => Array.isArray(value) && value.every(like(/^\/[^\0]*$/)),
    base: like(/^sha256:[0-9a-f]{64}$/),
    owner: (value: unknown) => isObject(value) && isCount(value['uid']) && isCount(value['gid']),
    slugBytes: isCount,
    labels: textsByName,
    partLabels: textsByName,
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

  /**
   * From the app's cache, if it is on this machine, which spares the engine to read it and send it.
   * @throws Refused for a container that is not this server's
   */
  readonly read = async (container: string, path: string): Promise<SandboxFile | undefined> => {
    await this.#deps.things.check({ kind: 'container', id: container })
    return (await this.#readCached(container, path)) ?? this.#readArchived(container, path)
  }

  async #readCached(container: string, path: string): Promise<SandboxFile | undefined> {
    const { engine, owner } = this.#deps
    const { Mounts: mounts = [] } = (await engine.find<Mounted>(`/containers/${container}/json`)) ?? {}
    const cache = mounts.find(({ Name = '', Destination }) => {
      return isCacheName(Name, owner) && path.startsWith(`${Destination}/`)
    })
    const file = cache && (await openBelow(cache.Source, path.slice(cache.Destination.length + 1)))
    if (!file) return undefined
    const { size: bytes } = await file.stat()
    const content = addAbortSignal(this.#signal, file.createReadStream({ highWaterMark: pieceBytes }))
    return { bytes, content, [Symbol.dispose]: () => void content.destroy() }
  }

  async #readArchived(container: string, path: string): Promise<SandboxFile | undefined> {
    const query = new URLSearchParams({ path })
    const answer = await this.#deps.engine.get(`/containers/${container}/archive?${query.toString()}`)
    addAbortSignal(this.#signal, answer)
    if (answer.statusCode === 200) return archivedFile(answer)
    if (answer.statusCode === 404) return void answer.resume()
    throw await refusalOf(answer)
  }

  /**
   * Sends a layer while the engine takes in the one before: only what describes an image waits for
   * the image below.
   * @returns the image's name; undefined: the engine takes no layer before it has its digest
   * @throws Refused for a base that is not this server's, and what the engine says
   */
  readonly append = async (base: string, layers: AsyncIterable<NewLayer>): Promise<string | undefined> => {
    const { engine, things, owner } = this.#deps
    await things.check({ kind: 'image', name: base, shared: true })
    const found = await engine.find<ImageFound>(`/images/${base}/json`)
    if (!found || !keepsLayers(found)) return undefined
    let below = found
    const [made, loads]: [string[], Promise<void>[]] = [[], []]
    try {
      for await (const { layer, bytes, labels } of layers) {
        const { RootFS, ...rest } = below
        const [image, reference, before] = [below, imageName(owner.serverId), loads.at(-1)]
        const sent = Promise.withResolvers<string>()
        const describe = async (digest: string) => {
          sent.resolve(digest)
          await before
          return describeOwn(owner.serverId, { below: image, config: { labels: labels() }, digest })
        }
        const diffIds = RootFS.Layers ?? []
        const sending = { layer, bytes, below: { diffIds, blobs: undefined }, reference, describe }
        const load = sendLayer(sending, (archive, broken) =>
          this.#load(archive, AbortSignal.any([this.#signal, broken])),
        )
        load.catch(sent.reject)
        made.push(reference)
        loads.push(load)
        below = { ...rest, RootFS: { ...RootFS, Layers: [...diffIds, await sent.promise] } }
      }
      await loads.at(-1)
      return made.pop()
    } finally {
      await Promise.allSettled(loads)
      for (const reference of made) await this.#remove(reference)
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
