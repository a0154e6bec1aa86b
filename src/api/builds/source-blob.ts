import { Type, type Static } from 'typebox'
import type { BuildSource } from '../../model/source.ts'
import { longestUrl } from '../../outbound/download.ts'
import { checkDestination } from '../../outbound/destination.ts'
import type { Outbound } from '../../outbound/outbound.ts'
import { httpSchemes } from '../../outbound/post.ts'
import { destinationOf, parseTarget } from '../../outbound/url.ts'
import { optionalChecksum, sha256Of } from './checksum.ts'
import { oneLine, optionalText } from '../http/one-line.ts'
import { uploadAt, type SourceDeps } from './sources.ts'

type BlobDeps = SourceDeps & { outbound: Outbound }

/** Heroku's pointer to a tarball. */
export const sourceBlob = Type.Object(
  {
    url: Type.String({ maxLength: longestUrl }),
    version: optionalText,
    version_description: optionalText,
    checksum: optionalChecksum,
  },
  { additionalProperties: false },
)

/**
 * @throws invalid_params, not_found, source_missing, address_forbidden for what no build can be
 *   made of
 */
export async function sourceOf(deps: BlobDeps, blob: Static<typeof sourceBlob>): Promise<BuildSource> {
  const upload = uploadAt(deps, blob.url)
  return {
    from: upload === undefined ? { kind: 'url', url: await checkUrl(deps, blob.url) } : { kind: 'upload', id: upload },
    version: oneLine(blob.version, 'source_blob.version'),
    description: oneLine(blob.version_description, 'source_blob.version_description'),
    sha256: sha256Of(blob.checksum),
  }
}

async function checkUrl({ outbound }: BlobDeps, text: string): Promise<string> {
  const url = parseTarget(text, 'source_blob.url', httpSchemes, longestUrl)
  await checkDestination(outbound.policy, destinationOf(url, httpSchemes))
  return url.href
}
