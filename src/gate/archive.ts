import type { Readable } from 'node:stream'
import { blobPath, type Blob } from '../engine/docker/saved-image.ts'
import { label } from '../engine/labels.ts'
import { rewriteTar, type Header, type Rewritten } from '../tar.ts'
import { FileHash, type Digests } from './file-hash.ts'
import { isOwnReference, type GateOwner } from './own.ts'
import { parseJson } from './other-bodies.ts'
import { refuseUnless } from './refused.ts'
import { isObject, isText, isTexts, like, one, shaped } from './shape.ts'

/** Bytes of what describes an image. */
const mostBytes = 4 * 2 ** 20
/** A configuration, and a manifest in OCI's format, come after the layers. */
const mostDescriptions = 2
const fileForm = /^(?:blobs\/sha256|layers|tars)\/[0-9a-f]{64}$/
const blobShape = { mediaType: isText, digest: isText, size: Number.isSafeInteger }
const closing = ['manifest.json', 'index.json', 'oci-layout']

/** `layers`: files of the archive, or blobs of the store, one for each layer. */
type Described = { config: string; layers: string[]; of: 'files' | 'blobs' }

/** The lowest layers, of which not all are in an archive. `blobs`: of containerd's store. */
export type MissingLayers = { diffIds: string[]; blobs: string[] | undefined }

type ArchiveDeps = { owner: GateOwner; areKnown: (layers: MissingLayers) => Promise<boolean> }

/**
 * An archive of one image, as the worker writes it for either store of the engine
 * (engine/docker/image-archive), checked on its way and written anew, so that the engine finds no
 * other names in it. A layer has to be what the configuration says: of one that it has by that name
 * the engine does not read what comes. One that is not in it has to be of an image that the worker
 * was shown.
 * @returns a tar that fails with Refused instead of ending
 */
export function checkedArchive(input: Readable, deps: ArchiveDeps): Readable {
  const archive = new Archive(deps)
  return rewriteTar(
    input,
    (header, read) => archive.add(header, read),
    () => refuseUnless(archive.isWhole, 'an archive lacks what says which image it is'),
  )
}

class Archive {
  readonly #deps: ArchiveDeps
  readonly #files = new Map<string, Digests>()
  /** The one that passes, whose digests are known when the next one comes. */
  #passing: { name: string; hash: FileHash } | undefined
  /** The last ones that are short enough to be a description. */
  readonly #short = new Map<string, string>()
  readonly #closed: string[] = []

  constructor(deps: ArchiveDeps) {
    this.#deps = deps
  }

  /** In Docker's format or in OCI's. */
  get isWhole(): boolean {
    return ['manifest.json', 'index.json oci-layout'].includes(this.#closed.join(' '))
  }

  /** @throws Refused */
  async add(header: Header, read: () => Promise<Buffer>): Promise<Rewritten> {
    const { name, type, size } = header
    await this.#finish()
    refuseUnless(type === 'file', 'an archive of an image may only have files')
    const written = { name, type, size, mode: 0o644 }
    if (closing.includes(name)) {
      refuseUnless(size <= mostBytes, `${name} is too long`)
      await this.#close(name, (await read()).toString())
      return written
    }
    const isNew = fileForm.test(name) && !this.#files.has(name) && this.#closed.length === 0
    refuseUnless(isNew, 'an archive of an image may only have its layers')
    const hash = new FileHash({ gzipped: name.startsWith('layers/') })
    this.#passing = { name, hash }
    if (size > mostBytes) return { ...written, through: (file) => hash.passing(file) }
    const content = await read()
    await hash.add(content)
    this.#short.set(name, content.toString())
    for (const key of this.#short.keys()) if (this.#short.size > mostDescriptions) this.#short.delete(key)
    return written
  }

  /** @throws Refused for a blob that is not what its name says */
  async #finish(): Promise<void> {
    if (!this.#passing) return
    const { name, hash } = this.#passing
    const digests = await hash.end()
    const isNamed = !name.startsWith('blobs/') || name === blobPath(digests.blob)
    refuseUnless(isNamed, 'a blob is not what its digest says')
    this.#files.set(name, digests)
    this.#passing = undefined
  }

  async #close(name: string, text: string): Promise<void> {
    this.#closed.push(name)
    if (name === 'oci-layout') return
    const { owner } = this.#deps
    const described = name === 'manifest.json' ? readManifest(text, owner) : this.#readIndex(text, owner)
    const diffIds = checkConfig(this.#describing(described.config), owner)
    await this.#checkLayers(described, diffIds)
  }

  /** Of OCI's format. @throws Refused */
  #readIndex(text: string, owner: GateOwner): Described {
    const manifest = parseWritten(this.#describing(readIndex(text, owner)))
    const shape = { schemaVersion: one(2), mediaType: isText, config: isObject, layers: Array.isArray }
    const { config, layers } = shaped(manifest, shape, 'a manifest') as { config?: Blob; layers?: unknown[] }
    const blobs = layers?.map((layer) => shaped(layer, blobShape, 'a layer')['digest'])
    refuseUnless(!!blobs && blobs.every(isText), 'a manifest lacks its layers')
    return { config: blobPath(config?.digest ?? ''), layers: blobs as string[], of: 'blobs' }
  }

  #describing(file: string): string {
    const text = this.#short.get(file)
    refuseUnless(text !== undefined, 'an archive lacks what describes its image')
    this.#files.delete(file)
    return text
  }

  /** @throws Refused */
  async #checkLayers({ layers, of }: Described, diffIds: string[]): Promise<void> {
    refuseUnless(diffIds.length === layers.length, 'the layers of an image are not those of its manifest')
    const found = of === 'files' ? this.#files : new Map(this.#files.values().map((each) => [each.blob, each]))
    const areThose = diffIds.every((diffId, index) => (found.get(layers[index]!)?.diffId ?? diffId) === diffId)
    refuseUnless(areThose, 'a layer is not the one that the configuration names')
    refuseUnless(
      [...found.keys()].every((each) => layers.includes(each)),
      'an archive has a file of no layer',
    )
    const below = layers.findLastIndex((each) => !found.has(each)) + 1
    const missing = { diffIds: diffIds.slice(0, below), blobs: of === 'blobs' ? layers.slice(0, below) : undefined }
    const areThere = below === 0 || (await this.#deps.areKnown(missing))
    refuseUnless(areThere, 'a layer may only be left out if it is of an image of this server')
  }
}

/** @throws Refused */
function readManifest(text: string, owner: GateOwner): Described {
  const images = parseWritten(text)
  refuseUnless(Array.isArray(images) && images.length === 1, 'an archive has to be of one image')
  const areFiles = (names: unknown) => isTexts(names) && (names as string[]).every((name) => fileForm.test(name))
  const shape = { Config: like(fileForm), RepoTags: isTexts, Layers: areFiles }
  const { Config, RepoTags, Layers } = shaped(images[0], shape, 'a manifest') as Record<string, string[]> & {
    Config?: string
  }
  refuseUnless(!!Config && !!Layers && !!RepoTags, 'a manifest lacks what it is about')
  const isNamed = RepoTags.length === 1 && RepoTags.every((name) => isOwnReference(name, owner))
  refuseUnless(isNamed, 'an image may only have a name of this server')
  return { config: Config, layers: Layers, of: 'files' }
}

/** The file of the only manifest of an index. @throws Refused */
function readIndex(text: string, owner: GateOwner): string {
  const { manifests } = shaped(parseWritten(text), { schemaVersion: one(2), manifests: Array.isArray }, 'an index')
  const [manifest, ...others] = (manifests ?? []) as unknown[]
  refuseUnless(others.length === 0, 'an archive has to be of one image')
  const shape = { mediaType: isText, digest: isText, size: Number.isSafeInteger, annotations: isObject }
  const { digest, annotations } = shaped(manifest, shape, 'an index') as { digest?: string; annotations?: object }
  const [[key, name] = [], ...more] = Object.entries(annotations ?? {}) as [string, unknown][]
  const own = typeof name === 'string' ? name.replace(/^docker\.io\/library\//, '') : ''
  const isNamed = key === 'io.containerd.image.name' && more.length === 0 && isOwnReference(own, owner)
  refuseUnless(isNamed, 'an image may only have a name of this server')
  return blobPath(digest ?? '')
}

/** Returns the digests of the layers. @throws Refused */
function checkConfig(text: string, { serverId }: GateOwner): string[] {
  const image = parseWritten(text)
  refuseUnless(isObject(image) && areApart(image), 'the configuration of an image is not written plainly')
  const { config, rootfs } = image as { config?: Record<string, unknown>; rootfs?: Record<string, unknown> }
  refuseUnless(isObject(config) && areApart(config), 'the configuration of an image is not written plainly')
  const labels = config['Labels']
  refuseUnless(isObject(labels) && labels[label.server] === serverId, 'an image has to say whose it is')
  refuseUnless(isObject(rootfs) && areApart(rootfs), 'the layers of an image are not written plainly')
  const diffIds = rootfs['diff_ids']
  refuseUnless(isTexts(diffIds), 'the layers of an image are not written plainly')
  return diffIds as string[]
}

/** As JSON.stringify writes it: no key comes twice. @throws Refused */
function parseWritten(text: string): unknown {
  const value = parseJson(text)
  refuseUnless(JSON.stringify(value) === text, 'JSON of an image is not written plainly')
  return value
}

/** No two keys are the same but for the case of their letters, which the engine does not see. */
function areApart(object: object): boolean {
  const keys = Object.keys(object).map((key) => key.toLowerCase())
  return new Set(keys).size === keys.length
}
