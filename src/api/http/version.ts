import type { FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'

/**
 * `Accept: application/vnd.heroku+json; version=3`, whatever follows the 3 (`3.webhooks`, `3.sdk`);
 * without a version it is 3 as well.
 * @throws bad_request for another version, whose answers would have other shapes
 */
export function checkVersion({ headers }: FastifyRequest): void {
  const version = versionIn(headers.accept ?? '')
  if (version === undefined || /^3(\D|$)/.test(version)) return
  throw new PaasError('bad_request', `This server implements version 3 of the API, not ${version.slice(0, 20)}.`, {
    hint: 'Send the header Accept: application/vnd.heroku+json; version=3',
  })
}

/** Taken apart, not matched: a header is up to 64 KiB long, and anybody may send one. */
function versionIn(accept: string): string | undefined {
  const ranges = accept.split(',').map((range) => range.split(';').map((part) => part.trim().toLowerCase()))
  const ours = ranges.filter(([type]) => type === 'application/vnd.heroku+json').flat()
  return ours
    .find((part) => part.startsWith('version='))
    ?.slice('version='.length)
    .replaceAll('"', '')
}
