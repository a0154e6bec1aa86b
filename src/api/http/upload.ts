import type { FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'
import type { Api } from '../deps.ts'

/** Milliseconds without a byte, and for all of an upload. */
export const patience = { idleMs: 60_000, totalMs: 1800_000 }

/** The routes of `files` take bodies of any type, which they read themselves. */
export function takeAnyBody(files: Api): void {
  files.removeAllContentTypeParsers()
  files.addContentTypeParser('*', (_, body, done) => done(null, body))
  // A tarball's type does not matter, and clients that sign for S3 send an empty Content-Type,
  // which Fastify refuses.
  files.addHook('onRequest', async ({ headers }) => void delete headers['content-type'])
}

/**
 * How large the upload may become.
 * @throws payload_too_large when it says that it is larger than `most`
 */
export function claimedBytes({ headers }: FastifyRequest, most: number): number {
  const claimed = Number(headers['content-length'] ?? most)
  if (claimed <= most) return claimed
  throw new PaasError(
    'payload_too_large',
    `The tarball has ${mebibytes(claimed)} MiB; the limit is ${mebibytes(most)} MiB.`,
  )
}

export function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20)
}
