import { Readable } from 'node:stream'
import type { Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { parseAppJson, type AppJson } from '../model/app-json.ts'
import type { App } from '../model/app.ts'
import type { SlugId } from '../model/ids.ts'
import { verified } from './checksum.ts'
import { appendSlug } from './export.ts'
import { count, type SlugFacts } from './slug.ts'
import { mostBytesRead } from './source.ts'
import { rewriteTar } from './tar.ts'
import { openTarball, refuse, unreadable } from './tarball.ts'
import type { Toolbox } from './toolbox.ts'
import { UploadedLayout } from './uploaded-layout.ts'

export type UploadedSlugDeps = { engine: Pick<Engine, 'appendLayer'>; toolbox: Pick<Toolbox, 'uploadImage'> }

type Limits = { slugBytes: number; sourceFiles: number }
type Options = { labels: Record<string, string>; sha256: string | null; limits: Limits }

/** The parts of a Slug that its files decide. */
export type UploadedSlug = { image: string; size: number; sha256: string; appJson?: AppJson }

/**
 * The image of a slug that was made elsewhere, of its archive: a gzipped tar with the app's files in `./app`, as Heroku has slugs.
 * It is read once, as it comes; nothing of it is a path on the host, and nothing of it runs.
 * @throws slug_invalid, slug_too_large, checksum_wrong, app_json_invalid, and the archive's own error; then there is no image
 */
export async function makeUploadedSlug(
  { engine, toolbox }: UploadedSlugDeps,
  archive: Readable,
  { labels, sha256, limits }: Options,
): Promise<UploadedSlug> {
  // What ends before it is read says so when it is read.
  archive.on('error', () => undefined)
  const base = await toolbox.uploadImage()
  let actual = ''
  const whole = verified(archive, sha256, (found) => (actual = found))
  const { files, found } = layerOf(openTarball(whole, { ...limits, sourceBytes: limits.slugBytes }), limits)
  try {
    const image = await appendSlug(engine, { base, labels }, files)
    return { image: image.digest, size: found.bytes, sha256: actual, ...(found.appJson && { appJson: found.appJson }) }
  } catch (cause) {
    throw aboutSlug(cause, files.errored !== null)
  }
}

/** What names a running container's origin. */
export function uploadLabels({ id, name }: Pick<App, 'id' | 'name'>, slugId: SlugId): Record<string, string> {
  return {
    'paas.app': id,
    'paas.app-name': name,
    'paas.slug': slugId,
    'org.opencontainers.image.title': name,
    'org.opencontainers.image.created': new Date().toISOString(),
  }
}

type Found = Pick<SlugFacts, 'bytes' | 'files'> & { appJson?: AppJson }

/** `found` is filled while the files are read. */
function layerOf(tar: Readable, { slugBytes, sourceFiles }: Limits): { files: Readable; found: Found } {
  const layout = new UploadedLayout(sourceFiles)
  const found: Found = { bytes: 0, files: 0 }
  const files = rewriteTar(tar, async (header, read, add) => {
    const entry = layout.place(header, add)
    if (!entry) return undefined
    count(found, entry.size ?? 0, slugBytes)
    if (entry.name === 'app/app.json' && entry.type === 'file') {
      if (header.size > mostBytesRead) throw refuse(`its app.json has more than ${mostBytesRead / 1024} KiB`)
      found.appJson = parseAppJson((await read()).toString())
    }
    return entry
  })
  return { files: Readable.from(notEmpty(files, found), { objectMode: false }), found }
}

async function* notEmpty(files: Readable, found: Found): AsyncGenerator<Buffer> {
  yield* files as AsyncIterable<Buffer>
  if (found.files === 0) throw refuse('it has no files')
}

/** What is wrong with a tarball, said of a slug; a reader of tars says it in plain errors. */
function aboutSlug(cause: unknown, isOfTar: boolean): unknown {
  const problem = isOfTar && !(cause instanceof PaasError) ? unreadable(cause) : cause
  if (!(problem instanceof PaasError) || problem.code !== 'source_invalid') return problem
  return new PaasError('slug_invalid', problem.message.replace(/^The (source|tarball) /, 'The slug '), { cause })
}
