import { finished } from 'node:stream/promises'
import { addAbortSignal, type Readable } from 'node:stream'
import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import type { AppId } from '../../model/ids.ts'
import type { Engine, Image, ImageConfig, Labels } from '../engine.ts'
import { label, type Kind } from '../labels.ts'
import { unlessMissing, type DockerDeps } from './client.ts'
import { confined } from './host-config.ts'
import { containerName, imageName } from './names.ts'
import { readJsonLines, type Progress } from './json-lines.ts'
import { removeContainer } from './removal.ts'

export async function findImage({ docker }: DockerDeps, reference: string): Promise<Image | undefined> {
  const info = await unlessMissing(docker.getImage(reference).inspect())
  return info && describe(info)
}

/** One that must be there. */
export async function getImage(deps: DockerDeps, reference: string): Promise<Image> {
  const image = await findImage(deps, reference)
  if (image) return image
  throw new PaasError('internal', `The image ${reference} was created, but is missing.`)
}

/**
 * Stack images are shared by all servers of an engine: they get the labels given and no server's.
 */
export async function importImage(
  deps: DockerDeps,
  rootfs: Readable,
  { reference, labels }: { reference: string; labels: Labels },
): Promise<Image> {
  const changes = Object.entries(labels).map(([key, value]) => `LABEL ${quoted(key)}=${quoted(value)}`)
  const stream = await deps.docker.importImage(rootfs, { ...repositoryAndTag(reference), changes: changes.join('\n') })
  for await (const { error } of readJsonLines<Progress>(stream as Readable)) {
    if (error) throw new PaasError('internal', `Docker did not take the image ${reference}: ${error}`)
  }
  return getImage(deps, reference)
}

export async function commitContainer(
  deps: DockerDeps,
  container: Docker.Container,
  { reference, config }: { reference: string; config: ImageConfig },
): Promise<Image> {
  const { Id } = (await container.commit({
    _query: { container: container.id, ...repositoryAndTag(reference), pause: false },
    _body: imageConfig(config),
  })) as { Id: string }
  return getImage(deps, Id)
}

/**
 * Base image plus one layer. A source that fails fails the call, with its own error; it is
 * destroyed in any case.
 */
export async function createImage(
  deps: DockerDeps,
  { base, files, path, config, reference }: Parameters<Engine['createImage']>[0],
): Promise<Image> {
  const owner = reference ? sharedLabels : { [label.server]: deps.serverId, [label.kind]: 'image' satisfies Kind }
  const labels = { ...config.labels, ...owner }
  const read = finished(files, { writable: false })
  read.catch((error: unknown) => deps.log.debug({ error }, 'the source of an image broke off'))
  try {
    return await withContainer(deps, { Image: base, Cmd: ['/bin/bash'] }, async (container) => {
      await Promise.all([container.putArchive(files, { path }), read])
      const options = { reference: reference ?? imageName(deps.serverId), config: { ...config, labels } }
      return await commitContainer(deps, container, options)
    })
  } finally {
    files.destroy()
  }
}

/** A tar of `path` in the image; its container goes when the tar is closed. */
export async function readImage(
  deps: DockerDeps,
  digest: string,
  path: string,
  signal: AbortSignal,
): Promise<Readable | undefined> {
  const container = await unlessMissing(createContainer(deps, { Image: digest, Cmd: ['/bin/bash'] }))
  if (!container) return undefined
  try {
    const tar = (await unlessMissing(container.getArchive({ path, abortSignal: signal }))) as Readable | undefined
    if (tar) tar.once('close', () => removeLater(deps, container))
    else removeLater(deps, container)
    return tar
  } catch (error) {
    removeLater(deps, container)
    throw error
  }
}

export async function saveImage({ docker }: DockerDeps, digest: string, signal: AbortSignal): Promise<Readable> {
  const tar = (await docker.getImage(digest).get()) as Readable
  return addAbortSignal(signal, tar)
}

/** Nobody waits for the container's removal. */
export async function withContainer<T>(
  deps: DockerDeps,
  options: Docker.ContainerCreateOptions,
  use: (container: Docker.Container) => Promise<T>,
): Promise<T> {
  const container = await createContainer(deps, options)
  try {
    return await use(container)
  } finally {
    removeLater(deps, container)
  }
}

/** Confined as all are, though nothing runs in it. */
const leastLimits = { memoryMiB: 64, cpus: 1, pids: 1 }

/** One that is never started; it only carries a layer and a configuration, or has a volume. */
export function createContainer(
  { docker, serverId }: DockerDeps,
  options: Docker.ContainerCreateOptions,
): Promise<Docker.Container> {
  return docker.createContainer({
    ...options,
    name: containerName(serverId, 'image'),
    Labels: { ...options.Labels, [label.server]: serverId, [label.kind]: 'sandbox' satisfies Kind },
    HostConfig: { ...options.HostConfig, ...confined(leastLimits), NetworkMode: 'none' },
  })
}

export function removeLater({ log }: DockerDeps, container: Docker.Container): void {
  removeContainer(container).catch((error: unknown) => log.warn({ error }, 'container of an image not removed'))
}

/**
 * Takes ours off an image for all servers: a commit else inherits its container's labels (moby
 * daemon/commit.go, merge).
 */
export const sharedLabels = { [label.server]: '', [label.kind]: '', [label.app]: '' }

export async function listImages({ docker, serverId }: DockerDeps, filter: { appId?: AppId } = {}): Promise<Image[]> {
  const labels = [`${label.server}=${serverId}`, `${label.kind}=image`]
  if (filter.appId) labels.push(`${label.app}=${filter.appId}`)
  const found = await docker.listImages({ filters: { label: labels } })
  const images = await Promise.all(found.map(({ Id }) => unlessMissing(docker.getImage(Id).inspect())))
  const described = images.filter((image) => image !== undefined).map(describe)
  return described.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
}

/**
 * An image that is gone is fine. It goes by its names: one that others were made on loses them, and
 * is gone with the last of those.
 * @throws forbidden for one that is not this server's
 */
export async function removeImage(deps: DockerDeps, digest: string): Promise<void> {
  const image = await findImage(deps, digest)
  if (!image) return
  if (image.labels[label.server] !== deps.serverId) {
    throw new PaasError('forbidden', `The image ${digest} is not this server's, so it stays.`)
  }
  for (const name of image.references.length > 0 ? image.references : [image.digest]) {
    await unlessMissing(deps.docker.getImage(name).remove({ force: true }))
  }
}

/** A word of a Dockerfile that nothing is substituted in. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll('$', '\\$')
}

function imageConfig({ labels, env, command, workingDirectory, user }: ImageConfig) {
  return {
    Labels: labels,
    Entrypoint: null,
    ...(env ? { Env: Object.entries(env).map(([key, value]) => `${key}=${value}`) } : {}),
    ...(command ? { Cmd: command } : {}),
    ...(workingDirectory === undefined ? {} : { WorkingDir: workingDirectory }),
    ...(user === undefined ? {} : { User: user }),
  }
}

function describe(info: Docker.ImageInspectInfo): Image {
  return {
    digest: info.Id,
    references: info.RepoTags ?? [],
    labels: info.Config.Labels ?? {},
    sizeBytes: info.Size,
    createdAt: new Date(info.Created),
    exposedPorts: Object.keys(info.Config.ExposedPorts ?? {}).flatMap(tcpPort),
  }
}

function tcpPort(exposed: string): number[] {
  const match = /^(\d+)(\/tcp)?$/.exec(exposed)
  return match ? [Number(match[1])] : []
}

/** `a/b:tag` → its parts; a colon before the last slash belongs to a host's port. */
function repositoryAndTag(reference: string): { repo: string; tag: string } {
  const match = /^(.+?)(?::([^:/]+))?$/.exec(reference)
  return { repo: match?.[1] ?? reference, tag: match?.[2] ?? 'latest' }
}
