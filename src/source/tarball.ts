import { once } from 'node:events'
import { posix } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { PaasError } from '../errors.ts'

/** What the name of a tar's entry says: where its file belongs, or that it is left out. */
export type EntryPlace = { kind: 'file'; path: string } | { kind: 'left out' }

/** What a tar adds to the files themselves, at most: half a kilobyte to a few for each entry. */
const overheadPerFile = 4096

/**
 * The tar inside a gzipped stream, or the tar itself. Fails with source_invalid when it is neither,
 * is cut off, or unpacks to more than files of `sourceBytes` can take: whatever size it claims, at
 * most that is unpacked.
 */
export function openTarball(input: Readable, limits: { sourceBytes: number; sourceFiles: number }): Readable {
  const meter = new Meter(limits.sourceBytes + limits.sourceFiles * overheadPerFile)
  const fail = (error: Error): void => void meter.destroy(error)
  let begun = false
  const decompress = (): void => {
    const head = input.read(headBytes) as Buffer | null
    if (head === null) return
    begun = true
    input.off('readable', decompress)
    const other = nameOfFormat(head)
    if (other) return fail(noTarball(`it is ${other}`))
    input.unshift(head)
    if (head[0] !== 0x1f || head[1] !== 0x8b) return void input.pipe(meter)
    const gunzip = createGunzip()
    gunzip.on('error', (cause) => fail(noTarball('it is truncated or damaged (gzip)', cause)))
    meter.once('close', () => gunzip.destroy())
    // What follows the last gzip member is read and ignored; the checksum covers all of the input.
    gunzip.once('end', () => input.unpipe(gunzip).resume())
    input.pipe(gunzip).pipe(meter, { end: false })
    void Promise.all([once(gunzip, 'end'), once(input, 'end')]).then(() => meter.end(), fail)
  }
  input.on('error', fail)
  if (input.errored) fail(input.errored)
  input.once('end', () => {
    if (!begun) fail(noTarball('it is empty'))
  })
  meter.once('close', () => input.destroy())
  input.on('readable', decompress)
  return meter
}

const headBytes = 10
/** What archives that people send instead begin with (file(1)). */
const otherFormats: [string, RegExp][] = [
  ['a zip archive', /^PK(\x03\x04|\x05\x06)/],
  ['compressed with bzip2', /^BZh[1-9]1AY&SY/],
  ['compressed with xz', /^\xfd7zXZ\0/],
  ['compressed with zstd', /^\x28\xb5\x2f\xfd/],
  ['compressed with lzip', /^LZIP[\x01]/],
  ['compressed with lz4', /^\x04\x22\x4d\x18/],
  ['compressed with compress', /^\x1f\x9d/],
  ['a 7z archive', /^7z\xbc\xaf\x27\x1c/],
  ['a RAR archive', /^Rar!\x1a\x07/],
] // oxlint-disable-line no-control-regex

function nameOfFormat(head: Buffer): string | undefined {
  const text = head.toString('latin1')
  return otherFormats.find(([, beginning]) => beginning.test(text))?.[0]
}

class Meter extends Transform {
  readonly #most: number
  #bytes = 0

  constructor(most: number) {
    super()
    this.#most = most
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error: Error | null, data?: Buffer) => void): void {
    this.#bytes += chunk.length
    if (this.#bytes <= this.#most) return done(null, chunk)
    done(tooMuch(`unpacks to more than ${Math.floor(this.#most / 2 ** 20)} MiB`))
  }
}

/** @throws source_invalid for a name that leads out of the tarball */
export function placeOf(name: string): EntryPlace {
  const parts = name.split('/')
  if (name.startsWith('/')) throw invalidTarball(`${showName(name)} is an absolute path`)
  if (parts.includes('..')) throw invalidTarball(`${showName(name)} leads outside of it`)
  const path = posix.normalize(name).replace(/\/$/, '')
  // A tarball of a checkout contains git's own files, which are left out.
  const isGits = path === '.' || parts.includes('.git') || parts.includes('.gitmodules')
  return isGits ? { kind: 'left out' } : { kind: 'file', path }
}

/** What a reader of tars found wrong. */
export function unreadable(cause: unknown): PaasError {
  const text = cause instanceof Error ? cause.message : String(cause)
  return noTarball(text.replace(/\.$/, '').slice(0, 200), cause)
}

function noTarball(problem: string, cause?: unknown): PaasError {
  return new PaasError('source_invalid', `The source is not a gzipped tarball: ${problem}.`, {
    hint: 'Make one with: tar czf source.tgz .',
    cause,
  })
}

export function invalidTarball(problem: string): PaasError {
  return new PaasError('source_invalid', `The tarball cannot be deployed: ${problem}.`)
}

export function tooMuch(problem: string): PaasError {
  return new PaasError('source_invalid', `The tarball ${problem}, the limit.`, {
    hint: 'Include only what the app needs.',
  })
}

/** A file name of a stranger's, safe to print and cut to a length that can be read. */
export function showName(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name).replaceAll('\u007f', '\\u007f')
}
