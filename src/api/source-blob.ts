import { Type, type Static } from 'typebox'
import { PaasError } from '../errors.ts'
import type { BuildSource } from '../model/source.ts'
import { uploadAt, type SourceDeps } from './sources.ts'

const optionalText = Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()]))

/** Heroku's pointer to a tarball. */
export const sourceBlob = Type.Object(
  {
    url: Type.String({ maxLength: 2000 }),
    version: optionalText,
    version_description: optionalText,
    checksum: Type.Optional(Type.Union([Type.String({ pattern: '^SHA256:[0-9a-fA-F]{64}$' }), Type.Null()])),
  },
  { additionalProperties: false },
)

/** @throws invalid_params, not_found, source_missing for what no build can be made of */
export function sourceOf(deps: SourceDeps, blob: Static<typeof sourceBlob>): BuildSource {
  const upload = uploadAt(deps, blob.url)
  return {
    from: upload === undefined ? { kind: 'url', url: checkUrl(blob.url) } : { kind: 'upload', id: upload },
    version: oneLine(blob.version, 'version'),
    description: oneLine(blob.version_description, 'version_description'),
    sha256: blob.checksum?.slice('SHA256:'.length).toLowerCase() ?? null,
  }
}

function checkUrl(url: string): string {
  throw new PaasError(
    'invalid_params',
    `source_blob.url is ${JSON.stringify(url.slice(0, 200))}; upload the tarball to this server.`,
    {
      hint: 'POST /sources gives an address for it.',
    },
  )
}

function oneLine(text: string | null | undefined, field: string): string | null {
  if (text === null || text === undefined || text === '') return null
  if (!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text) && text.isWellFormed()) return text
  throw new PaasError('invalid_params', `source_blob.${field} must be one line of text without control characters.`)
}
