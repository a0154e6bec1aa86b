import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cut, type RunConfig } from './config.ts'

/** An image that a stage can begin with. */
export type BaseImage = {
  id: string
  config: RunConfig
  /** Of the whole configuration. */
  history: object[]
  architecture: string
  variant?: string
  /** From the lowest up. */
  layers: { diffId: string; directory: string }[]
}

type StoredImage = { id: string; names?: string[]; layer: string }
type StoredLayer = { id: string; parent?: string; 'diff-digest'?: string }
type Configuration = {
  architecture: string
  variant?: string
  config?: RunConfig
  history?: object[]
}

/**
 * Finds an image where the general builder keeps those it has: a store of containers/storage,
 * overlay driver.
 * @param stores directories, the app's own and those of the stack's images
 */
export function findImage(name: string, stores: string[]): BaseImage | undefined {
  const names = fullNames(name)
  for (const store of stores) {
    const images = readJson<StoredImage[]>(join(store, 'overlay-images/images.json')) ?? []
    const image = images.find((one) => one.names?.some((own) => names.includes(own)))
    if (image) return describe(image, store, stores)
  }
  return undefined
}

function describe({ id, layer }: StoredImage, store: string, stores: string[]): BaseImage | undefined {
  const file = `=${Buffer.from(`sha256:${id}`).toString('base64')}`
  const found = readJson<Configuration>(join(store, 'overlay-images', id, file))
  const layers = layersUpTo(layer, stores)
  if (!found || !layers) return undefined
  const { architecture, variant, config = {}, history = [] } = found
  return { id, config, history, architecture, ...(variant === undefined ? {} : { variant }), layers }
}

function layersUpTo(top: string, stores: string[]): BaseImage['layers'] | undefined {
  const all = new Map(
    stores.flatMap((store) =>
      ['layers.json', 'volatile-layers.json']
        .flatMap((file) => readJson<StoredLayer[]>(join(store, 'overlay-layers', file)) ?? [])
        .map((layer) => [layer.id, { ...layer, directory: join(store, 'overlay', layer.id, 'diff') }] as const),
    ),
  )
  const layers: BaseImage['layers'] = []
  for (let id: string | undefined = top; id;) {
    const layer = all.get(id)
    const diffId = layer?.['diff-digest']
    if (!layer || diffId === undefined || !existsSync(layer.directory)) return undefined
    layers.unshift({ diffId, directory: layer.directory })
    id = layer.parent
  }
  return layers
}

/** All that a name may stand for: an image of this server, or one of Docker Hub. */
function fullNames(name: string): string[] {
  const tagged = /:[^/]*$/.test(name) ? name : `${name}:latest`
  const [first, rest] = cut(name, '/')
  if (rest !== '' && (/[.:]/.test(first) || first === 'localhost')) return [tagged]
  return [`localhost/${tagged}`, rest === '' ? `docker.io/library/${tagged}` : `docker.io/${tagged}`]
}

function readJson<T>(path: string): T | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined
}

/** The stores of the stack's images that are filled. */
export function baseStores(directory: string): string[] {
  return readdirSync(directory)
    .map((name) => join(directory, name))
    .filter((store) => existsSync(join(store, 'complete')))
}
