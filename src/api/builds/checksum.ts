import { Type } from 'typebox'

/** Heroku's way to write a checksum. */
export const optionalChecksum = Type.Optional(
  Type.Union([Type.String({ pattern: '^SHA256:[0-9a-fA-F]{64}$' }), Type.Null()]),
)

/** 64 lower-case hex digits. */
export function sha256Of(checksum: string | null | undefined): string | null {
  return checksum?.slice('SHA256:'.length).toLowerCase() ?? null
}

export function checksumOf(sha256: string | null | undefined): string | null {
  return sha256 ? `SHA256:${sha256}` : null
}
