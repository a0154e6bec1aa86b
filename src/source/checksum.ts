import { createHash } from 'node:crypto'
import { Transform, type Readable } from 'node:stream'
import { PaasError } from '../errors.ts'

/**
 * What goes through has to have this SHA-256 in the end, or it fails there.
 * @param expected 64 lower-case hex digits; null: any will do
 * @param onEnd told the SHA-256 it had, before its end
 */
export function verified(tarball: Readable, expected: string | null, onEnd?: (sha256: string) => void): Readable {
  const hash = createHash('sha256')
  const check = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk)
      done(null, chunk)
    },
    flush(done) {
      const actual = hash.digest('hex')
      onEnd?.(actual)
      if (expected === null || actual === expected) done()
      else done(wrongChecksum(expected, actual))
    },
  })
  tarball.on('error', (cause) => check.destroy(cause))
  check.once('close', () => tarball.destroy())
  return tarball.pipe(check)
}

function wrongChecksum(expected: string, actual: string): PaasError {
  return new PaasError('checksum_wrong', `The source has the checksum SHA256:${actual}, not SHA256:${expected}.`)
}
