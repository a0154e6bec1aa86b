import type { Readable } from 'node:stream'
import { label } from '../engine/labels.ts'
import { rewriteTar, type Header, type NewHeader } from '../tar.ts'
import { isOwnReference, type GateOwner } from './own.ts'
import { parseJson } from './other-bodies.ts'
import { refuseUnless } from './refused.ts'
import { isObject, isText, isTexts, like, one, shaped } from './shape.ts'

/** Bytes of what describes an image. */
const mostBytes = 4 * 2 ** 20
/** A configuration, and a manifest in OCI's format, come after the layers. */
const mostDescriptions = 2
const fileForm = /^(?:blobs\/sha256|layers)\/[0-9a-f]{64}$/
const closing = ['manifest.json', 'index.json', 'oci-layout']

type Described = { config: string; files: string[] | undefined; layers: number }
type ArchiveDeps = { owner: GateOwner; isKnownLayer: (layer: string) => boolean }

/**
 * An archive of one image, as the worker writes it for either store of the engine
 * (engine/docker/image-archive), checked on its way and written anew, so that the engine finds no
 * other names in it. A layer that is not in it has to be of an image that the worker was shown.
 * @returns a tar that fails with Refused instead of ending
 */
export function checkedArchive(input: Readable, deps: ArchiveDeps): Readable {
  const archive = new Archive(deps)
  return rewriteTar(
    input,
    async (header, read): Promise<NewHeader> => {
      await archive.add(header, read)
      return { name: header.name, type: 'file', size: header.size, mode: 0o644 }
    },
    () => refuseUnless(archive.isWhole, 'an archive lacks what says which image it is'),
  )
}

class Archive {
  readonly #deps: ArchiveDeps
  readonly #files = new Set<string>()
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
  async add(header: Header, read: () => Promise<Buffer>): Promise<void> {
    const { name, type, size } = header
    refuseUnless(type === 'file', 'an archive of an image may only have files')
    if (closing.includes(name)) {
      refuseUnless(size <= mostBytes, `${name} is too long`)
      return this.#close(name, (await read()).toString())
    }
    const isNew = fileForm.test(name) && !this.#files.has(name) && this.#closed.length === 0
    refuseUnless(isNew, 'an archive of an image may only have its layers')
    this.#files.add(name)
    if (size > mostBytes) return
    this.#short.set(name, (await read()).toString())
    for (const key of this.#short.keys()) if (this.#short.size > mostDescriptions) this.#short.delete(key)
  }

  #close(name: string, text: string): void {
    this.#closed.push(name)
    if (name === 'oci-layout') return
    const described =
      name === 'manifest.json' ? readManifest(text, this.#deps.owner) : this.#readIndex(text, this.#deps.owner)
    this.#checkLayers(described, checkConfig(this.#describing(described.config), this.#deps.owner))
  }

  /** Of OCI's format. @throws Refused */
  #readIndex(text: string, owner: GateOwner): Described {
    const manifest = parseWritten(this.#describing(readIndex(text, owner)))
    const shape = { schemaVersion: one(2), mediaType: isText, config: isObject, layers: Array.isArray }
    const { config, layers } = shaped(manifest, shape, 'a manifest') as {
      config?: { digest?: string }
      layers?: unknown[]
    }
    refuseUnless(!!layers, 'a manifest lacks its layers')
    return { config: fileOf(config?.digest), files: undefined, layers: layers.length }
  }

  #describing(file: string): string {
    const text = this.#short.get(file)
    refuseUnless(text !== undefined, 'an archive lacks what describes its image')
    this.#files.delete(file)
    return text
  }

  /** Layers that are left out come first. OCI's manifest names no files. @throws Refused */
  #checkLayers({ files, layers }: Described, diffIds: string[]): void {
    refuseUnless(diffIds.length === layers, 'the layers of an image are not those of its manifest')
    const missing = files
      ? diffIds.filter((_, index) => !this.#files.has(files[index] ?? ''))
      : diffIds.slice(0, Math.max(0, layers - this.#files.size))
    refuseUnless(!files || [...this.#files].every((file) => files.includes(file)), 'an archive has a file of no layer')
    const { isKnownLayer } = this.#deps
    refuseUnless(missing.every(isKnownLayer), 'a layer may only be left out if it is of an image of this server')
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
  return { config: Config, files: Layers, layers: Layers.length }
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
  return fileOf(digest)
}

function fileOf(digest: string | undefined): string {
  return `blobs/${(digest ?? '').replace(':', '/')}`
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
