import type { IncomingMessage } from 'node:http'
import { PaasError } from '../errors.ts'
import type { GitService } from './git-request.ts'

/** @throws media_type_unsupported unless the headers say exactly what git says */
export function checkMediaType({ headers }: IncomingMessage, service: GitService): void {
  const expected = `application/x-git-${service}-request`
  if (headers['content-type'] !== expected) {
    throw new PaasError('media_type_unsupported', `The request must have the content type ${expected}.`)
  }
  const encoding = headers['content-encoding'] ?? 'identity'
  if (!['identity', 'gzip', 'x-gzip'].includes(encoding)) {
    throw new PaasError('media_type_unsupported', 'The request may only be compressed with gzip.')
  }
}
