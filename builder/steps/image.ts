import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Layers } from './layers.ts'
import { packLayer } from './pack.ts'
import { command } from './process.ts'
import type { Files } from './stage-builder.ts'

/**
 * Lays an image out in a directory as the OCI image layout has it, but that layers are named by the
 * digest of what is packed in them. Those that the reader has are left out.
 * @param shared the layers of images that the reader has
 */
export async function layOut(files: Files, layers: Layers, directory: string, shared: string[][]): Promise<void> {
  const blobs = join(directory, 'blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const below = files.base.layers.map(({ diffId }) => diffId)
  const ids = [...below]
  for (const key of files.layers) ids.push(await digestOf(key, layers, blobs))
  const known = Math.max(
    0,
    ...shared.filter((one) => one.every((id, index) => id === ids[index])).map(({ length }) => length),
  )
  const names = known < below.length ? await layOutBase(files.base.id, directory) : below
  for (const [index, key] of files.layers.entries()) {
    const at = below.length + index
    if (at >= known && !existsSync(join(blobs, hex(ids[at] ?? '')))) ids[at] = await pack(key, layers, blobs)
  }
  const config = write(blobs, {
    architecture: files.base.architecture,
    ...(files.base.variant !== undefined && { variant: files.base.variant }),
    os: 'linux',
    created: new Date().toISOString(),
    config: files.config,
    rootfs: { type: 'layers', diff_ids: ids },
    history: files.history,
  })
  const manifest = {
    schemaVersion: 2,
    config: { digest: config },
    layers: [...names, ...ids.slice(below.length)].map((digest) => ({ digest })),
  }
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ manifests: [{ digest: write(blobs, manifest) }] }))
}

/**
 * By the general builder, which has its layers in another form.
 * @returns the names of their files
 */
async function layOutBase(id: string, directory: string): Promise<string[]> {
  const options = ['--quiet', '--format', 'v2s2', '--compression-level', '0']
  await command('buildah', ['push', ...options, id, `oci:${directory}:base`])
  const read = <T>(path: string) => JSON.parse(readFileSync(join(directory, path), 'utf8')) as T
  const [manifest] = read<{ manifests: { digest: string }[] }>('index.json').manifests
  const { layers } = read<{ layers: { digest: string }[] }>(`blobs/sha256/${hex(manifest?.digest ?? '')}`)
  return layers.map((layer) => layer.digest)
}

/** Of a layer's tar; packed the first time only. */
async function digestOf(key: string, layers: Layers, blobs: string): Promise<string> {
  const file = `${layers.directoryOf(key)}.id`
  return existsSync(file) ? readFileSync(file, 'utf8') : pack(key, layers, blobs)
}

async function pack(key: string, layers: Layers, blobs: string): Promise<string> {
  const id = `sha256:${await packLayer(layers.directoryOf(key), blobs)}`
  writeFileSync(`${layers.directoryOf(key)}.id`, id)
  return id
}

function write(blobs: string, value: object): string {
  const text = JSON.stringify(value)
  const digest = createHash('sha256').update(text).digest('hex')
  writeFileSync(join(blobs, digest), text)
  return `sha256:${digest}`
}

function hex(digest: string): string {
  return digest.slice('sha256:'.length)
}
