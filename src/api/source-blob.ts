import { Type, type Static } from 'typebox'
import { PaasError } from '../errors.ts'
import type { BuildSource } from '../model/source.ts'
import { longestUrl } from '../outbound/download.ts'
import { checkDestination } from '../outbound/destination.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { httpSchemes } from '../outbound/post.ts'
import { destinationOf, parseTarget } from '../outbound/url.ts'
import { uploadAt, type SourceDeps } from './sources.ts'

type BlobDeps = SourceDeps & { outbound: Outbound }

const optionalText = Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()]))

/** Heroku's pointer to a tarball. */
export const sourceBlob = Type.Object(
  {
    url: Type.String({ maxLength: longestUrl }),
    version: optionalText,
    version_description: optionalText,
    checksum: Type.Optional(Type.Union([Type.String({ pattern: '^SHA256:[0-9a-fA-F]{64}$' }), Type.Null()])),
  },
  { additionalProperties: false },
)

/** @throws invalid_params, not_found, source_missing, address_forbidden for what no build can be made of */
export async function sourceOf(deps: BlobDeps, blob: Static<typeof sourceBlob>): Promise<BuildSource> {
  const upload = uploadAt(deps, blob.url)
  return {
    from: upload === undefined ? { kind: 'url', url: await checkUrl(deps, blob.url) } : { kind: 'upload', id: upload },
    version: oneLine(blob.version, 'version'),
    description: oneLine(blob.version_description, 'version_description'),
    sha256: blob.checksum?.slice('SHA256:'.length).toLowerCase() ?? null,
  }
}

async function checkUrl({ outbound }: BlobDeps, text: string): Promise<string> {
  const url = parseTarget(text, 'source_blob.url', httpSchemes, longestUrl)
  await checkDestination(outbound.policy, destinationOf(url, httpSchemes))
  return url.href
}

function oneLine(text: string | null | undefined, field: string): string | null {
  if (text === null || text === undefined || text === '') return null
  if (!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text) && text.isWellFormed()) return text
  throw new PaasError('invalid_params', `source_blob.${field} must be one line of text without control characters.`)
}
