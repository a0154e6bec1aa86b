import type { FastifyRequest } from 'fastify'
import { PaasError } from '../errors.ts'

/**
 * `Accept: application/vnd.heroku+json; version=3`, whatever follows the 3 (`3.webhooks`, `3.sdk`); without a version it
 * is 3 as well. @throws bad_request for another version, whose answers would have other shapes
 */
export function checkVersion({ headers }: FastifyRequest): void {
  const [, version] = /vnd\.heroku\+json\s*;(?:[^,]*;)?\s*version="?([\w.-]+)/i.exec(headers.accept ?? '') ?? []
  if (version === undefined || /^3(?![\d])/.test(version)) return
  throw new PaasError('bad_request', `This server speaks version 3 of the API, not ${version.slice(0, 20)}.`, {
    hint: 'Send the header Accept: application/vnd.heroku+json; version=3',
  })
}
