import { createHash } from 'node:crypto'
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { pack } from '../../tar.ts'
import { PaasError } from '../../errors.ts'
import type { Engine, Image, ImageConfig } from '../engine.ts'
import { label, type Kind } from '../labels.ts'
import { unlessMissing, type DockerDeps } from './client.ts'
import { createImage, getImage } from './images.ts'
import { readJsonLines, type Progress } from './json-lines.ts'
import { imageName } from './names.ts'

/** Bytes that are written to a file at once. */
const pieceBytes = 1 << 20

type LayerDeps = DockerDeps & {
  /** A directory for a layer on its way. */
  scratch: string
}

/**
 * Base image plus one layer, by loading an image of which only that layer is new: nothing is
 * unpacked twice, as a commit does. An engine that keeps images as blobs (containerd's store) wants
 * all layers of an image it loads; there it is committed. A layer that fails fails the call, with
 * its own error; it is destroyed in any case.
 * @see the Docker image specification v1.2, "Combined Image JSON + Filesystem Changeset Format"
 */
export async function appendLayer(
  deps: LayerDeps,
  { base, layer, config }: Parameters<Engine['appendLayer']>[0],
): Promise<Image> {
  await using file = await spool(layer, deps.scratch)
  const below = await unlessMissing(deps.docker.getImage(base).inspect())
  if (!below || !keepsLayers(below)) return await createImage(deps, { base, files: read(file), path: '/', config })
  const labels = { ...config.labels, [label.server]: deps.serverId, [label.kind]: 'image' satisfies Kind }
  const description = JSON.stringify(describeImage(below, { ...config, labels }, file.digest))
  await load(deps, archiveOf({ description, reference: imageName(deps.serverId), below, file }))
  return await getImage(deps, `sha256:${sha256(description)}`)
}

/** Storage drivers say where a layer's files are; containerd's image store has no such thing. */
export function keepsLayers({ GraphDriver }: Docker.ImageInspectInfo): boolean {
  return GraphDriver?.Data !== null && GraphDriver?.Data !== undefined
}

type SpooledLayer = AsyncDisposable & { handle: FileHandle; bytes: number; digest: string }

/**
 * Its length and digest come before it in an archive. The file has no name, so that it ends with
 * the process at the latest.
 */
async function spool(layer: Readable, scratch: string): Promise<SpooledLayer> {
  // One that breaks off before it is read says so when it is read.
  layer.on('error', () => undefined)
  const directory = await mkdtemp(join(scratch, 'layer-'))
  const handle = await open(join(directory, 'layer.tar'), 'w+', 0o600)
  await rm(directory, { recursive: true })
  try {
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of inLargePieces(layer)) {
      hash.update(chunk)
      bytes += chunk.length
      await handle.appendFile(chunk)
    }
    return { handle, bytes, digest: `sha256:${hash.digest('hex')}`, [Symbol.asyncDispose]: () => handle.close() }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** A tar comes as three small chunks a file, and each write is a trip to another thread. */
async function* inLargePieces(source: Readable): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of source as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes < pieceBytes) continue
    yield Buffer.concat(chunks)
    chunks = []
    bytes = 0
  }
  yield Buffer.concat(chunks)
}

function read({ handle }: SpooledLayer): Readable {
  return handle.createReadStream({ start: 0, autoClose: false })
}

/** The base's configuration with ours on top, as a commit merges them. */
function describeImage(below: Docker.ImageInspectInfo, config: ImageConfig, digest: string) {
  const created = new Date().toISOString()
  const layers = below.RootFS.Layers ?? []
  return {
    architecture: below.Architecture,
    os: below.Os,
    created,
    config: runConfig(below.Config, config),
    rootfs: { type: 'layers', diff_ids: [...layers, digest] },
    history: [...layers.map(() => ({ created: below.Created })), { created, comment: 'paas' }],
  }
}

function runConfig(below: Docker.ImageInspectInfo['Config'], config: ImageConfig) {
  const { labels, env = {}, command = below.Cmd, workingDirectory = below.WorkingDir, user = below.User } = config
  const inherited = below.Env.filter((entry) => !(entry.slice(0, entry.indexOf('=')) in env))
  return {
    Env: [...inherited, ...Object.entries(env).map(([key, value]) => `${key}=${value}`)],
    Cmd: command,
    Labels: { ...below.Labels, ...labels },
    User: user,
    WorkingDir: workingDirectory,
    ...(below.ExposedPorts ? { ExposedPorts: below.ExposedPorts } : {}),
  }
}

type Archive = { description: string; reference: string; below: Docker.ImageInspectInfo; file: SpooledLayer }

/**
 * The layers below are named and not there: the engine asks the archive only for what it does not
 * have.
 */
function archiveOf({ description, reference, below, file }: Archive): Readable {
  const archive = pack()
  const name = `${sha256(description)}.json`
  const layers = (below.RootFS.Layers ?? []).map((digest) => `${digest.replace(':', '-')}.tar`)
  const manifest = [{ Config: name, RepoTags: [reference], Layers: [...layers, 'layer.tar'] }]
  archive.entry({ name: 'manifest.json' }, JSON.stringify(manifest))
  archive.entry({ name }, description)
  const entry = archive.entry({ name: 'layer.tar', size: file.bytes }, (error) => {
    if (error) archive.destroy(error)
    else archive.finalize()
  })
  read(file).pipe(entry)
  return Readable.from(archive)
}

/** @param archive as `docker save` writes one */
export async function load({ docker }: DockerDeps, archive: Readable, signal?: AbortSignal): Promise<void> {
  const stream = await docker.loadImage(archive, { quiet: true, ...(signal && { abortSignal: signal }) })
  for await (const { error } of readJsonLines<Progress>(stream as Readable)) {
    if (error) throw notTaken(error)
  }
}

/**
 * What the engine says of a layer is about the files in it, which are the app's; unless it is the
 * disk's.
 */
function notTaken(error: string): PaasError {
  if (/no space left on device/i.test(error))
    return new PaasError('disk_full', "The disk that holds Docker's data is full.")
  return new PaasError('build_failed', `build failed: its files cannot be stored as an image: ${error.slice(0, 300)}`)
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
