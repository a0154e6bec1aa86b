import { isDeepStrictEqual } from 'node:util'
import { readLayers } from '../engine/docker/saved-image.ts'
import { label } from '../engine/labels.ts'
import type { MissingLayers } from './archive.ts'
import type { GatedEngine } from './engine.ts'
import { isOwn, isOwnName, type GateOwner } from './own.ts'
import type { Thing } from './policy.ts'
import { Foreign, Refused, refuseUnless } from './refused.ts'

type Labels = Record<string, string> | null
type ImageFacts = { Id: string; Config?: { Labels?: Labels } | null; RootFS?: { Layers?: string[] | null } }
type Found = { isOwn: boolean; isShared: boolean; layers: string[] }

const id = /^[0-9a-f]{64}$/
const digest = /^sha256:[0-9a-f]{64}$/
/** Of each kind so many are remembered; what is forgotten is asked again. */
const most = 10_000
/** Images whose blobs are remembered. */
const mostSaved = 500

/**
 * What is this server's. Ids are never given twice and labels never change, so that it is asked
 * once.
 */
export class Things {
  readonly #engine: GatedEngine
  readonly #owner: GateOwner
  readonly #own = new Set<string>()
  readonly #images = new Map<string, Found>()
  readonly #layers = new Set<string>()
  readonly #blobs = new Map<string, string[]>()

  constructor(engine: GatedEngine, owner: GateOwner) {
    this.#engine = engine
    this.#owner = owner
  }

  /** A container or a process that was made for the worker. */
  made(thing: string): void {
    remember(this.#own, thing)
  }

  /** @throws Refused for what is not there, and Foreign for what is not this server's */
  async check(thing: Thing): Promise<void> {
    switch (thing.kind) {
      case 'container':
        return this.#checkContainer(thing.id)
      case 'exec':
        return this.#checkExec(thing.id)
      case 'network':
        return this.#checkNetwork(thing.id)
      case 'image':
        return this.#checkImage(thing)
      case 'free name':
        return refuseUnless(
          (await this.#engine.find(`/images/${thing.name}/json`)) === undefined,
          `an image named ${thing.name} is there already`,
        )
    }
  }

  /** Whether all are of images that the worker was shown, those of containerd's store of one. */
  async areKnown({ diffIds, blobs }: MissingLayers): Promise<boolean> {
    if (!blobs) return diffIds.every((layer) => this.#layers.has(layer))
    const areFirst = (some: string[], all: string[]) => isDeepStrictEqual(all.slice(0, some.length), some)
    for (const [image, { isOwn: own, isShared, layers }] of this.#images)
      if ((own || isShared) && areFirst(diffIds, layers) && areFirst(blobs, await this.#blobsOf(image))) return true
    return false
  }

  /** What is kept of an image for good. */
  async #blobsOf(image: string): Promise<string[]> {
    const known = this.#blobs.get(image)
    if (known) return known
    const saved = await this.#engine.get(`/images/${image}/get`)
    const blobs = ((await readLayers(saved, image)) ?? []).map((blob) => blob.digest)
    this.#blobs.set(image, blobs)
    if (this.#blobs.size > mostSaved) this.#blobs.clear()
    return blobs
  }

  async #checkContainer(container: string): Promise<void> {
    if (!id.test(container)) throw new Refused(`No such container: ${container}`, 404)
    if (this.#own.has(container)) return
    const found = await this.#engine.find<{ Name: string; Config: { Labels: Labels } }>(`/containers/${container}/json`)
    if (!found) throw new Refused(`No such container: ${container}`, 404)
    if (!this.#isOwn(found.Config.Labels, found.Name.slice(1))) throw new Foreign(`container: ${container}`)
    this.made(container)
  }

  async #checkExec(exec: string): Promise<void> {
    if (!id.test(exec)) throw new Refused(`No such exec instance: ${exec}`, 404)
    if (this.#own.has(exec)) return
    const found = await this.#engine.find<{ ContainerID: string }>(`/exec/${exec}/json`)
    if (!found) throw new Refused(`No such exec instance: ${exec}`, 404)
    await this.#checkContainer(found.ContainerID)
    this.made(exec)
  }

  async #checkNetwork(network: string): Promise<void> {
    if (isOwnName(network, this.#owner) || this.#own.has(network)) return
    if (!id.test(network)) throw new Refused(`network ${network} not found`, 404)
    const found = await this.#engine.find<{ Name: string; Labels: Labels }>(`/networks/${network}`)
    if (!found) throw new Refused(`network ${network} not found`, 404)
    if (!this.#isOwn(found.Labels, found.Name)) throw new Foreign(`network: ${network}`)
    this.made(network)
  }

  async #checkImage({ name, shared }: { name: string; shared: boolean }): Promise<void> {
    const found = this.#images.get(name) ?? (await this.#findImage(name))
    if (!found) throw new Refused(`No such image: ${name}`, 404)
    if (!found.isOwn && !(shared && found.isShared)) throw new Foreign(`image: ${name}`)
    for (const layer of found.layers) remember(this.#layers, layer)
  }

  async #findImage(name: string): Promise<Found | undefined> {
    const image = await this.#engine.find<ImageFacts>(`/images/${name}/json`)
    if (!image) return undefined
    const labels = image.Config?.Labels ?? {}
    const server = labels[label.server]
    // Images built on a stack image inherit its labels; their server's are added.
    const found = {
      isOwn: server === this.#owner.serverId,
      isShared: server ? this.#owner.ancestors.includes(server) : label.stack in labels,
      layers: image.RootFS?.Layers ?? [],
    }
    // The name may be moved to another image later, so the id is kept.
    if (digest.test(name)) {
      this.#images.set(name, found)
      if (this.#images.size > most) this.#images.clear()
    }
    return found
  }

  #isOwn(labels: Labels, name: string): boolean {
    return isOwn(labels ?? {}, name, this.#owner)
  }
}

function remember(known: Set<string>, one: string): void {
  if (known.size >= most) known.clear()
  known.add(one)
}
