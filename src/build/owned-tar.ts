import type { Owner } from '../model/app-user.ts'

/** What an entry is, by its headers. `other`: a device or a pipe. */
export type PlainEntry = { name: string; kind: Kind; size: number; linkname: string }
type Kind = 'file' | 'link' | 'symlink' | 'directory' | 'other'

const block = 512
const zeros = Buffer.alloc(block)
/** By the type flag of a header; those of GNU tar for a name, or a link's target, that is long. */
const kinds: Record<string, Kind> = {
  0: 'file',
  1: 'link',
  2: 'symlink',
  3: 'other',
  4: 'other',
  5: 'directory',
  6: 'other',
}
const longNames = { K: 'linkname', L: 'name' } as const
/** Bytes of one: what Linux takes in a path, with its end (path_resolution(7)). */
const longestName = 4097
/** Bytes of zeros that may follow the end: of a record, GNU tar's or that of lib/tree.sh. */
const mostPadding = 2 ** 20
/** Where a header has what is read or written here (GNU tar's manual, "Basic Tar Format"). */
const field = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkname: [157, 100],
  magic: [257, 8],
  names: [265, 64],
  sparse: [345, 167],
} as const

/**
 * A tar as GNU tar writes it, passed on with the owner and mode of each entry changed where they
 * stand, without set-uid, set-gid and sticky bits: that is several times faster than to write it
 * anew. It stays as long as it is: for entries that `keep` does not want, zeros are at its end.
 * Chunks of the input are changed. What could be read in more than one way is refused, such as
 * another format, or a sparse file.
 * @throws NotPlain, the input's error and what `keep` throws
 */
export async function* ownedTar(
  input: AsyncIterable<Buffer>,
  owner: Owner,
  keep: (entry: PlainEntry) => boolean,
): AsyncGenerator<Buffer> {
  const tar = new PlainTar(owner, keep)
  for await (const chunk of input) yield* tar.pass(chunk)
  yield* tar.end()
}

/** Not a tar that GNU tar writes by itself, or not all of one. */
export class NotPlain extends Error {}

class PlainTar {
  readonly #owner: Owner
  readonly #keep: (entry: PlainEntry) => boolean
  /** The beginning of headers that have not all come. */
  #pending: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  /** Bytes of content that are still to come, and whether they are wanted. */
  #left = 0
  #wanted = true
  #dropped = 0
  #ended = false
  #padding = 0

  constructor(owner: Owner, keep: (entry: PlainEntry) => boolean) {
    this.#owner = owner
    this.#keep = keep
  }

  *pass(chunk: Buffer): Generator<Buffer> {
    const data = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk
    let [from, at] = [0, 0]
    for (let length = 0; (length = this.#next(data, at)) > 0; at += length) {
      if (this.#wanted) continue
      if (from < at) yield data.subarray(from, at)
      from = at + length
      this.#dropped += length
    }
    this.#pending = data.subarray(at)
    if (from < at) yield data.subarray(from, at)
  }

  /** @throws NotPlain */
  *end(): Generator<Buffer> {
    if (!this.#ended || this.#pending.length > 0) throw new NotPlain('Unexpected end of data')
    for (; this.#dropped > 0; this.#dropped -= block) yield zeros
  }

  /** Bytes from there that are alike, to be passed on or not; 0: more has to come. */
  #next(data: Buffer, at: number): number {
    if (at === data.length) return 0
    if (this.#ended) return this.#zeros(data, at)
    if (this.#left > 0) {
      const length = Math.min(this.#left, data.length - at)
      this.#left -= length
      return length
    }
    const headers = readHeaders(data, at)
    if (headers === undefined) return 0
    if (headers === 'end') {
      this.#ended = this.#wanted = true
      return this.#zeros(data, at)
    }
    const { bytes, entry } = headers
    this.#wanted = this.#keep(entry)
    this.#left = padded(entry.size)
    if (this.#wanted) own(data.subarray(at + bytes - block, at + bytes), this.#owner)
    return bytes
  }

  /** GNU tar fills up its last record. @throws NotPlain */
  #zeros(data: Buffer, at: number): number {
    this.#padding += data.length - at
    const isPadding = this.#padding <= mostPadding && !data.subarray(at).some((byte) => byte !== 0)
    if (!isPadding) throw new NotPlain('Something follows its end')
    return data.length - at
  }
}

/**
 * All headers of an entry, of which those of long names come first; undefined: more has to come.
 * @throws NotPlain
 */
function readHeaders(data: Buffer, start: number): { bytes: number; entry: PlainEntry } | 'end' | undefined {
  const long: { name?: string; linkname?: string } = {}
  for (let at = start; at + block <= data.length;) {
    const header = data.subarray(at, at + block)
    if (at === start && header.equals(zeros)) return 'end'
    checkFormat(header)
    const [type, size] = [text(header, field.type), octal(header, field.size)]
    const longName = longNames[type as keyof typeof longNames]
    if (longName === undefined) return { bytes: at + block - start, entry: entryOf(header, { type, size, ...long }) }
    if (size > longestName || long[longName] !== undefined) throw new NotPlain('A name in it is too long')
    at += block
    if (at + padded(size) > data.length) return undefined
    long[longName] = text(data, [at, size])
    at += padded(size)
  }
  return undefined
}

/** @throws NotPlain */
function checkFormat(header: Buffer): void {
  const isGnu = header.toString('latin1', ...ends(field.magic)) === 'ustar  \0'
  const isPlain = isGnu && header.subarray(...ends(field.sparse)).equals(zeros.subarray(0, field.sparse[1]))
  if (!isPlain || checksum(header) !== octal(header, field.checksum)) throw new NotPlain('A header is not GNU tar’s')
}

type Found = { type: string; size: number; name?: string; linkname?: string }

/** @throws NotPlain */
function entryOf(header: Buffer, { type, size, ...long }: Found): PlainEntry {
  const { name = text(header, field.name), linkname = text(header, field.linkname) } = long
  const kind = kinds[type]
  // A file whose name ends so is a directory to some.
  const isPlain = kind === 'file' ? !name.endsWith('/') : size === 0
  if (kind === undefined || name === '' || !isPlain) throw new NotPlain('An entry is none of GNU tar’s')
  return { name, kind, size, linkname }
}

function own(header: Buffer, { uid, gid }: Owner): void {
  const write = ([at, length]: readonly [number, number], number: number) =>
    header.write(`${number.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
  write(field.mode, octal(header, field.mode) & 0o777)
  write(field.uid, uid)
  write(field.gid, gid)
  header.fill(0, ...ends(field.names))
  write([field.checksum[0], field.checksum[1] - 1], checksum(header))
  header[field.checksum[0] + field.checksum[1] - 1] = 0x20
}

/** As if there were spaces in its own place. */
function checksum(header: Buffer): number {
  let sum = 0
  for (let at = 0; at < block; at += 1) sum += header[at]!
  const [from, length] = field.checksum
  for (let at = from; at < from + length; at += 1) sum += 0x20 - header[at]!
  return sum
}

/** @throws NotPlain */
function octal(header: Buffer, place: readonly [number, number]): number {
  const [, digits] = /^([0-7]+)[ \0]*$/.exec(header.toString('latin1', ...ends(place))) ?? []
  if (digits === undefined) throw new NotPlain('A number in it is not one')
  return Number.parseInt(digits, 8)
}

/** Up to its first zero. */
function text(data: Buffer, [from, length]: readonly [number, number]): string {
  const end = data.indexOf(0, from)
  return data.toString('utf8', from, end === -1 ? from + length : Math.min(end, from + length))
}

function ends([from, length]: readonly [number, number]): [number, number] {
  return [from, from + length]
}

function padded(size: number): number {
  return Math.ceil(size / block) * block
}
