import type { Engine, Image, Labels } from '../engine/engine.ts'
import type { AppId } from '../model/ids.ts'

/**
 * A directory of an app that a lock file decides, as it was installed once: where it is in the app,
 * and an id, 64 hexadecimal digits, that the build gave it. Only the app's own builds are told it.
 */
export type Tree = { path: TreePath; id: string }

const paths = ['node_modules', '.paas/python'] as const
export type TreePath = (typeof paths)[number]

/** What an image with a tree in it is for: to build on, or to put slugs on. */
export type TreeUse = 'build' | 'run'

/** Of an image of the app that holds nothing but a tree on one of ours. */
const label = { use: 'paas.tree-use', id: 'paas.tree', base: 'paas.tree-base', bytes: 'paas.tree-bytes' }

export function treePath(text: string): TreePath | undefined {
  return paths.find((path) => path === text)
}

/**
 * @param bytes of its files, where slugs are put on it: each engine counts images in its own way
 */
export function treeLabels(use: TreeUse, { id }: Tree, base: Image, bytes?: number): Labels {
  const count: Labels = bytes === undefined ? {} : { [label.bytes]: String(bytes) }
  return { [label.use]: use, [label.id]: id, [label.base]: base.digest, ...count }
}

/** Bytes of the files of the tree on this image; 0 when there is none. */
export function treeBytes({ labels }: Image): number {
  return Number(labels[label.bytes] ?? 0)
}

/** On what is made of such an image: it is none, but says what is in it. */
export const withinSlug: Labels = { [label.use]: 'slug' }

/** The app's newest image with a tree on one of these. */
export async function newestTree(
  engine: Pick<Engine, 'listImages'>,
  { appId, use, bases }: { appId: AppId; use: TreeUse; bases: Image[] },
): Promise<{ id: string; image: Image } | undefined> {
  const digests = new Set(bases.map(({ digest }) => digest))
  const images = await engine.listImages({ appId })
  const image = images.find(({ labels }) => labels[label.use] === use && digests.has(labels[label.base] ?? ''))
  return image && { id: image.labels[label.id] ?? '', image }
}

/** Digests of the newest for each app and use: what the next build of the app begins with. */
export function newestTrees(images: { digest: string; labels: Labels }[]): Set<string> {
  const newest = new Map<string, string>()
  for (const { digest, labels } of images) {
    const use = labels[label.use]
    if (use !== 'build' && use !== 'run') continue
    const key = `${labels['paas.app']} ${use}`
    if (!newest.has(key)) newest.set(key, digest)
  }
  return new Set(newest.values())
}
