import { Readable } from 'node:stream'
import { PaasError } from '../errors.ts'
import type { Owner } from '../model/app-user.ts'
import { parseAppJson, type AppManifest } from '../model/app-json.ts'
import { verified } from '../source/checksum.ts'
import { count, type SlugFacts } from './slug.ts'
import { mostBytesRead } from './source.ts'
import { rewriteTar } from '../tar.ts'
import { openTarball, invalidTarball, unreadable } from '../source/tarball.ts'
import { UploadedLayout } from './uploaded-layout.ts'

type Limits = { slugBytes: number; sourceFiles: number }
type Options = {
  /** Whose the files become. */
  owner: Owner
  sha256: string | null
  limits: Limits
  /** Makes an image of a layer, all of it in the app's directory, and gives its digest. */
  toImage: (files: Readable) => Promise<string>
}

/** The parts of a Slug that its files decide. */
export type UploadedSlug = { image: string; size: number; sha256: string; appJson?: AppManifest }

/**
 * The image of a slug that was made elsewhere, of its archive: a gzipped tar with the app's files
 * in `./app`, as Heroku has slugs. It is read once, as it comes; nothing of it is a path on the
 * host, and nothing of it runs.
 * @throws slug_invalid, slug_too_large, checksum_wrong, app_json_invalid, and the archive's own
 *   error; then there is no image
 */
export async function makeUploadedSlug(
  archive: Readable,
  { sha256, limits, owner, toImage }: Options,
): Promise<UploadedSlug> {
  let actual = ''
  const whole = verified(archive, sha256, (found) => (actual = found))
  const { files, found } = layerOf(openTarball(whole, { ...limits, sourceBytes: limits.slugBytes }), limits, owner)
  try {
    const image = await toImage(files)
    return { image, size: found.bytes, sha256: actual, ...(found.appJson && { appJson: found.appJson }) }
  } catch (cause) {
    throw aboutSlug(cause, files.errored !== null)
  }
}

type Found = Pick<SlugFacts, 'bytes' | 'files'> & { appJson?: AppManifest }

/** `found` is filled while the files are read. */
function layerOf(tar: Readable, { slugBytes, sourceFiles }: Limits, owner: Owner): { files: Readable; found: Found } {
  const layout = new UploadedLayout(sourceFiles, owner)
  const found: Found = { bytes: 0, files: 0 }
  const files = rewriteTar(tar, async (header, read, add) => {
    const entry = layout.place(header, add)
    if (!entry) return undefined
    count(found, entry.size ?? 0, slugBytes)
    if (entry.name === 'app/app.json' && entry.type === 'file') {
      if (header.size > mostBytesRead) throw invalidTarball(`its app.json has more than ${mostBytesRead / 1024} KiB`)
      found.appJson = parseAppJson((await read()).toString())
    }
    return entry
  })
  return { files: Readable.from(notEmpty(files, found), { objectMode: false }), found }
}

async function* notEmpty(files: Readable, found: Found): AsyncGenerator<Buffer> {
  yield* files as AsyncIterable<Buffer>
  if (found.files === 0) throw invalidTarball('it has no files')
}

/** What is wrong with a tarball, said of a slug; a reader of tars says it in plain errors. */
function aboutSlug(cause: unknown, isOfTar: boolean): unknown {
  const problem = isOfTar && !(cause instanceof PaasError) ? unreadable(cause) : cause
  if (!(problem instanceof PaasError) || problem.code !== 'source_invalid') return problem
  return new PaasError('slug_invalid', problem.message.replace(/^The (source|tarball) /, 'The slug '), { cause })
}
