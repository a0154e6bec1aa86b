import { posix } from 'node:path'
import type { Engine, Image, Labels } from '../engine/engine.ts'
import type { AppId } from '../model/ids.ts'
import type { TreeOrder } from '../model/tree-order.ts'
import { cacheDirectory } from './directories.ts'

/**
 * A directory of an app that a lock file decides, as it was installed once: where it is in the app,
 * and an id, 64 hexadecimal digits, that the build gave it. Only the app's own builds are told it.
 */
export type Tree = { path: TreePath; id: string }

/** One whose tar is in the sandbox, in so many parts. */
export type KeptTree = Tree & { parts: number }

const paths = [
  'node_modules',
  '.paas/deno',
  '.paas/python',
  '.paas/runtime',
  '.paas/java',
  '.paas/bundle',
  'vendor',
] as const
export type TreePath = (typeof paths)[number]

/** What an image with a tree in it is for: to build on, or to put slugs on. */
export type TreeUse = 'build' | 'run'

/** Of an image of the app that holds nothing but a tree on one of ours. */
const label = { use: 'paas.tree-use', id: 'paas.tree', base: 'paas.tree-base', bytes: 'paas.tree-bytes' }

export function treePath(text: string): TreePath | undefined {
  return paths.find((path) => path === text)
}

export function treeLabels(use: TreeUse | 'part', { id }: Tree, base: Image): Labels {
  return { [label.use]: use, [label.id]: id, [label.base]: base.digest }
}

type TreeOptions = Pick<TreeOrder, 'owner' | 'slugBytes'> & { appId: AppId; base: Image; sandbox: string }

/** The image that slugs are put on. Its label has the bytes: each engine counts in its own way. */
export function treeOrder({ parts, ...tree }: KeptTree, { appId, base, ...rules }: TreeOptions): TreeOrder {
  const labelsOf = (use: 'run' | 'part') => ({ 'paas.app': appId, ...treeLabels(use, tree, base) })
  const files = Array.from({ length: parts }, (_, index) => keptAt(tree.path, index + 1))
  const labels = { labels: labelsOf('run'), partLabels: labelsOf('part'), bytesLabel: label.bytes }
  return { files, base: base.digest, ...labels, ...rules }
}

/** Where the packs have the tar of a part (buildpacks/lib/tree.sh). */
function keptAt(path: TreePath, part: number): string {
  return `${cacheDirectory}/trees/${posix.basename(path)}.${part}.tar`
}

/** Bytes of the files of the tree on this image; 0 when there is none. */
export function treeBytes({ labels }: Pick<Image, 'labels'>): number {
  return Number(labels[label.bytes] ?? 0)
}

/** On what is made of such an image: it is none, but says what is in it. */
export const withinSlug: Labels = { [label.use]: 'slug' }

type Asked = { appId: AppId; use: TreeUse; bases: Image[] }

/**
 * Knows the newest image with a tree of each app and use. They are made by this process, so an
 * engine is asked for its images once: a list of all takes it a tenth of a second, and one alone
 * some milliseconds.
 */
export class AppTrees {
  readonly #engine: Pick<Engine, 'findImage' | 'listImages'>
  /** By app and use; null: there is none. */
  readonly #newest = new Map<string, Image['digest'] | null>()

  constructor(engine: Pick<Engine, 'findImage' | 'listImages'>) {
    this.#engine = engine
  }

  /** The app's newest, if it is on one of these. */
  async newest({ appId, use, bases }: Asked): Promise<{ id: string; image: Image } | undefined> {
    const image = await this.#find(appId, use)
    if (!image || !bases.some(({ digest }) => digest === image.labels[label.base])) return undefined
    return { id: image.labels[label.id] ?? '', image }
  }

  /** A newer one was made. */
  remember(appId: AppId, use: TreeUse, { digest }: Image): void {
    this.#newest.set(keyOf(appId, use), digest)
  }

  async #find(appId: AppId, use: TreeUse): Promise<Image | undefined> {
    const known = this.#newest.get(keyOf(appId, use))
    if (known === null) return undefined
    // It may have been swept.
    const image = known === undefined ? undefined : await this.#engine.findImage(known)
    if (image) return image
    const found = (await this.#engine.listImages({ appId })).find(({ labels }) => labels[label.use] === use)
    // One that was made meanwhile is newer.
    if (this.#newest.get(keyOf(appId, use)) === known) this.#newest.set(keyOf(appId, use), found?.digest ?? null)
    return found
  }
}

/** Digests of the newest for each app and use: what the next build of the app begins with. */
export function newestTrees(images: { digest: string; labels: Labels }[]): Set<string> {
  const newest = new Map<string, string>()
  for (const { digest, labels } of images) {
    const use = labels[label.use]
    if (use !== 'build' && use !== 'run') continue
    const key = keyOf(labels['paas.app'] ?? '', use)
    if (!newest.has(key)) newest.set(key, digest)
  }
  return new Set(newest.values())
}

function keyOf(appId: string, use: TreeUse): string {
  return `${appId} ${use}`
}
