import type { Readable } from 'node:stream'
import type { Engine, Image, Sandbox, SandboxFile } from '../engine/engine.ts'
import type { TreeOrder } from '../model/tree-order.ts'
import { treeFiles, unreadableTree } from './tree-files.ts'

/** What a tree's image is made with. */
export type TreeMeans<Made> = {
  /** Undefined: there is no such file. */
  read: (sandbox: string, file: string) => Promise<SandboxFile | undefined>
  /** Puts a layer on an image, as `appendLayer` of an engine. */
  append: (layer: {
    base: string
    layer: Readable
    bytes: number
    config: () => { labels: Record<string, string> }
  }) => Promise<Made>
}

/**
 * The image with a tree on it, which slugs are put on.
 * @throws slug_too_large, build_failed for a tar that packs do not write, and what the means throw
 */
export async function makeTree<Made>(
  { read, append }: TreeMeans<Made>,
  { sandbox, file, base, labels, bytesLabel, ...rules }: TreeOrder,
): Promise<Made> {
  using kept = await read(sandbox, file)
  if (!kept) throw unreadableTree()
  const { files, facts } = treeFiles(kept.content, rules)
  const config = () => ({ labels: { ...labels, [bytesLabel]: String(facts.bytes) } })
  return await append({ base, layer: files, bytes: kept.bytes, config })
}

/** @throws as `makeTree`, and the signal's reason */
export type TreeMaker = (order: TreeOrder, sandbox: Pick<Sandbox, 'read'>, signal: AbortSignal) => Promise<Image>

/**
 * Makes it where the engine is talked to directly, so that its files pass one process and not
 * three; here, where there is no such place, or it cannot.
 * @param nearby gives the image's name; undefined: it cannot
 */
export function createTreeMaker(
  engine: Pick<Engine, 'appendLayer' | 'findImage'>,
  nearby?: (order: TreeOrder, signal: AbortSignal) => Promise<string | undefined>,
): TreeMaker {
  return async (order, sandbox, signal) => {
    const reference = await nearby?.(order, signal)
    const image = reference === undefined ? undefined : await engine.findImage(reference)
    if (image) return image
    const read = (_: string, file: string) => sandbox.read(file, signal)
    return makeTree({ read, append: (layer) => engine.appendLayer(layer) }, order)
  }
}
