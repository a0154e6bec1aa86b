import { createHash } from 'node:crypto'
import type { Engine, Image, Sandbox } from '../engine/engine.ts'
import type { AppId } from '../model/ids.ts'
import type { Layer } from './answers.ts'
import { layersDirectory } from './directories.ts'
import { slugFiles } from './slug.ts'

const keyLabel = 'paas.dependencies'

/** True for an image between the run image and an app's own. Those of releases have its labels too, and a build's. */
export function isDependencyImage({ labels }: Pick<Image, 'labels'>): boolean {
  return Boolean(labels[keyLabel]) && !labels['paas.build']
}

type Needed = { appId: AppId; base: Image; layers: Layer[]; sandbox: Sandbox; slugBytes: number }
type ImageEngine = Pick<Engine, 'createImage' | 'findImage' | 'listImages' | 'removeImage'>

/**
 * The images between the run image and apps' own: an app's dependencies in a layer that its releases share, so that a release whose
 * dependencies are unchanged neither copies nor stores them again. An app's latest is kept; an earlier one lives as long as a release on it.
 */
export class DependencyImages {
  readonly #engine: ImageEngine
  readonly #latest = new Map<AppId, string>()

  constructor(engine: ImageEngine) {
    this.#engine = engine
  }

  /** The base itself if there are no layers. @throws slug_too_large */
  async image(needed: Needed): Promise<Image> {
    if (needed.layers.length === 0) return needed.base
    const key = keyOf(needed)
    const image = (await this.#find(needed.appId, key)) ?? (await this.#make(needed, key))
    this.#latest.set(needed.appId, image.digest)
    return image
  }

  async #find(appId: AppId, key: string): Promise<Image | undefined> {
    const digest = this.#latest.get(appId)
    const latest = digest === undefined ? undefined : await this.#engine.findImage(digest)
    if (latest?.labels[keyLabel] === key) return latest
    return (await this.#all(appId)).find(({ labels }) => labels[keyLabel] === key)
  }

  async #make({ appId, base, sandbox, slugBytes }: Needed, key: string): Promise<Image> {
    const earlier = await this.#all(appId)
    const { files } = slugFiles(await sandbox.get(layersDirectory), slugBytes)
    const labels = { 'paas.app': appId, [keyLabel]: key }
    const image = await this.#engine.createImage({ base: base.digest, files, path: '/', config: { labels } })
    for (const { digest } of earlier) await this.#engine.removeImage(digest)
    return image
  }

  async #all(appId: AppId): Promise<Image[]> {
    return (await this.#engine.listImages({ appId })).filter(isDependencyImage)
  }
}

function keyOf({ base, layers }: Needed): string {
  const lines = layers.map(({ directory, fingerprint }) => `${directory} ${fingerprint}`).toSorted()
  return createHash('sha256')
    .update([base.digest, ...lines].join('\n'))
    .digest('hex')
}
