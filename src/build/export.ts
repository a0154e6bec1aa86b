import { Readable } from 'node:stream'
import type { Engine, Image } from '../engine/engine.ts'
import type { Owner } from '../model/app-user.ts'
import { PaasError } from '../errors.ts'
import { bytesOfUsers, withOwner } from './app-passwd.ts'
import type { BuildRequest } from '../model/build-request.ts'
import { slugFiles, type SlugFacts } from './slug.ts'
import { treeBytes, withinSlug } from './trees.ts'
import { appDirectory } from './directories.ts'

const zeros = Buffer.alloc(64 * 1024)

type ExportOptions = {
  /** A run image, or one with the app's tree on it. */
  base: Image
  /** The list of users in it. */
  users: string
  /** Whose the slug is, and who runs it. */
  owner: Owner
  labels: Record<string, string>
  slugBytes: number
}

/**
 * The app's image: the run image and one layer with the slug, a tar of the build directory.
 * @throws slug_too_large, build_failed when the slug is longer than its most, and the tar's error
 */
export async function exportSlug(
  engine: Pick<Engine, 'appendLayer'>,
  slug: { tar: Readable; mostBytes: number | undefined },
  { slugBytes, ...options }: ExportOptions,
): Promise<SlugFacts & { image: Image }> {
  const bytesBelow = treeBytes(options.base)
  const { files, facts } = slugFiles(slug.tar, { slugBytes, bytesBelow, owner: options.owner })
  // One that is too large is found out where it is read.
  const mostBytes = slug.mostBytes !== undefined && slug.mostBytes <= slugBytes ? slug.mostBytes : undefined
  const image = await appendSlug(engine, options, files, mostBytes)
  return { ...facts, image }
}

/**
 * @param files a layer, all of it in the app's directory and the owner's
 * @param mostBytes of it; where they are known it goes to the engine while it comes
 */
export function appendSlug(
  engine: Pick<Engine, 'appendLayer'>,
  { base, users, owner, labels }: Omit<ExportOptions, 'slugBytes'>,
  files: Readable,
  mostBytes?: number,
): Promise<Image> {
  const user = `${owner.uid}:${owner.gid}`
  const config = { labels, workingDirectory: appDirectory, user, env: { HOME: appDirectory } }
  const bytes = mostBytes === undefined ? undefined : mostBytes + bytesOfUsers(users)
  const layer = bytes === undefined ? withOwner(files, users, owner) : filledUp(withOwner(files, users, owner), bytes)
  return engine.appendLayer({
    base: base.digest,
    layer: Readable.from(layer, { objectMode: false }),
    ...(bytes !== undefined && { bytes }),
    config,
  })
}

/**
 * A tar of exactly so many bytes: zeros may follow its end (GNU tar's manual, "Basic Tar Format").
 * @throws build_failed when it has more
 */
async function* filledUp(tar: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const chunk of tar) {
    left -= chunk.length
    if (left < 0) {
      throw new PaasError('build_failed', 'build failed: its files are more than it said', {
        hint: 'Something of it wrote to the platform in its name. The lines above may say why. Push again.',
      })
    }
    yield chunk
  }
  for (; left > 0; left -= zeros.length) yield zeros.subarray(0, left)
}

/**
 * What names a running container's origin: ours, and those of the OCI image specification
 * (annotations.md).
 */
export function imageLabels(request: BuildRequest, packs: string[]): Record<string, string> {
  return {
    ...withinSlug,
    'paas.app': request.appId,
    'paas.app-name': request.app,
    'paas.build': request.buildId,
    'paas.commit': request.commit,
    'paas.packs': packs.join(','),
    'org.opencontainers.image.title': request.app,
    'org.opencontainers.image.revision': request.commit,
    'org.opencontainers.image.created': new Date().toISOString(),
  }
}
