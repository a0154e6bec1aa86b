import type { Readable } from 'node:stream'
import type { Engine, Image } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { appUser, type Owner } from '../model/app-user.ts'
import { newId, type AppId, type SlugId } from '../model/ids.ts'
import type { Slug } from '../model/slug.ts'
import { rewriteTar } from '../tar.ts'
import { appDirectory } from './directories.ts'
import { appendSlug } from './export.ts'
import { isOurs } from './packs.ts'
import type { Toolbox } from './toolbox.ts'

type MoveDeps = {
  engine: Pick<Engine, 'appendLayer' | 'readImage'>
  toolbox: Pick<Toolbox, 'runImage' | 'uploadImage' | 'usersIn'>
}

/**
 * The image that a slug like this one is put on now; undefined: it is of a Dockerfile, which alone
 * knows what it is on.
 */
export function runImageFor(
  { toolbox }: Pick<MoveDeps, 'toolbox'>,
  { labels }: Pick<Image, 'labels'>,
  onProgress?: (line: string) => void,
): Promise<Image> | undefined {
  const packs = labels['paas.packs']?.split(',')
  if (packs === undefined) return toolbox.uploadImage(onProgress)
  return packs.includes('dockerfile') ? undefined : toolbox.runImage(packs.filter(isOurs), onProgress)
}

/**
 * The same slug on another run image, as a slug of this app: its files in one layer, and the
 * configuration of the new base. Nothing of it runs. It is not recorded yet.
 * @throws image_missing
 */
export async function moveSlug(
  { engine, toolbox }: MoveDeps,
  { slug, image, base, appId }: { slug: Slug; image: Image; base: Image; appId: AppId },
  signal: AbortSignal,
): Promise<Slug> {
  const files = await engine.readImage(image.digest, appDirectory, signal)
  if (!files) throw new PaasError('image_missing', `The image of the slug ${slug.id} is gone.`)
  const owner = appUser(appId)
  const labels = { ...image.labels, 'paas.app': appId, 'org.opencontainers.image.created': new Date().toISOString() }
  const options = { base, users: await toolbox.usersIn(base), owner, labels }
  const moved = await appendSlug(engine, options, ownedBy(files, owner))
  // What decided the build had the other base.
  const { buildKey: _, ...same } = slug
  const buildId = slug.appId === appId ? slug.buildId : null
  return { ...same, buildId, id: newId<SlugId>(), appId, image: moved.digest, createdAt: new Date() }
}

/** One that was released from another app has that app's files. */
function ownedBy(tar: Readable, owner: Owner): Readable {
  return rewriteTar(tar, ({ name, type, size, mtime, mode, linkname }) => ({
    name,
    type,
    size,
    mtime,
    mode,
    linkname,
    ...owner,
  }))
}
