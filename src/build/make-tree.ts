import type { Readable } from 'node:stream'
import type { Engine, Image, Sandbox, SandboxFile } from '../engine/engine.ts'
import type { TreeOrder } from '../model/tree-order.ts'
import { treeFiles, unreadableTree } from './tree-files.ts'

/** A layer of a tree, and the labels of the image that ends with it, once it has been read. */
type TreeLayer = { layer: Readable; bytes: number; labels: () => Record<string, string> }

/** What a tree's image is made with. */
export type TreeMeans<Made> = {
  /** Undefined: there is no such file. */
  read: (sandbox: string, file: string) => Promise<SandboxFile | undefined>
  /** Puts layers on an image, one after another. Of what is between nothing is left. */
  append: (base: string, layers: AsyncIterable<TreeLayer>) => Promise<Made>
}

/**
 * The image with a tree on it, which slugs are put on.
 * @param ready gives one value for each part when it is there, in turn
 * @throws slug_too_large, build_failed for a tar that packs do not write, and what the means throw
 */
export function makeTree<Made>(
  { read, append }: TreeMeans<Made>,
  order: TreeOrder,
  ready: AsyncIterable<unknown>,
): Promise<Made> {
  return append(order.base, layersOf(read, order, ready))
}

async function* layersOf(
  read: TreeMeans<unknown>['read'],
  { sandbox, files, labels, partLabels, bytesLabel, ...rules }: TreeOrder,
  ready: AsyncIterable<unknown>,
): AsyncGenerator<TreeLayer> {
  const facts = { bytes: 0, files: 0 }
  if (files.length === 0) throw unreadableTree()
  // It may be the body of a call that is still to be answered, so that it is not closed here.
  const parts = ready[Symbol.asyncIterator]()
  for (const [index, file] of files.entries()) {
    if ((await parts.next()).done) throw unreadableTree()
    using kept = await read(sandbox, file)
    if (!kept) throw unreadableTree()
    const layer = treeFiles(wholly(kept), { ...rules, facts })
    const lastLabels = () => ({ ...labels, [bytesLabel]: String(facts.bytes) })
    yield { layer, bytes: kept.bytes, labels: index === files.length - 1 ? lastLabels : () => partLabels }
    layer.destroy()
  }
}

/** A build may write to what it has kept. @throws build_failed */
async function* wholly({ content, bytes }: SandboxFile): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const chunk of content) {
    left -= chunk.length
    if (left < 0) throw unreadableTree()
    yield chunk
  }
  if (left > 0) throw unreadableTree()
}

/** @throws as `makeTree`, and the signal's reason */
export type TreeMaker = (
  order: TreeOrder,
  at: { sandbox: Pick<Sandbox, 'read'>; ready: AsyncIterable<unknown> },
  signal: AbortSignal,
) => Promise<Image>

/** Undefined: it cannot, and has not begun. Else the image's name. */
type NearbyMaker = (order: TreeOrder, ready: AsyncIterable<unknown>, signal: AbortSignal) => Promise<string | undefined>

/**
 * Makes it where the engine is talked to directly, so that its files pass one process and not
 * three; here, where there is no such place, or it cannot.
 */
export function createTreeMaker(
  engine: Pick<Engine, 'appendLayer' | 'findImage' | 'removeImage'>,
  nearby?: NearbyMaker,
): TreeMaker {
  return async (order, { sandbox, ready }, signal) => {
    const reference = await nearby?.(order, ready, signal)
    const image = reference === undefined ? undefined : await engine.findImage(reference)
    if (image) return image
    const read = (_: string, file: string) => sandbox.read(file, signal)
    return makeTree({ read, append: (base, layers) => appendAll(engine, base, layers) }, order, ready)
  }
}

async function appendAll(
  engine: Pick<Engine, 'appendLayer' | 'removeImage'>,
  base: string,
  layers: AsyncIterable<TreeLayer>,
): Promise<Image> {
  const made: Image[] = []
  try {
    for await (const { layer, bytes, labels } of layers) {
      const config = () => ({ labels: labels() })
      made.push(await engine.appendLayer({ base: made.at(-1)?.digest ?? base, layer, bytes, config }))
    }
    return made.pop()!
  } finally {
    for (const { digest } of made) await engine.removeImage(digest)
  }
}
