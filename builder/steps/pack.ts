import { createHash } from 'node:crypto'
import { createWriteStream, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { outputOf } from './process.ts'
import { statOf } from './paths.ts'

/** The same files give the same tar. */
const format = '--format=posix --pax-option=delete=atime,delete=ctime,delete=mtime --numeric-owner'
const attributes = '--xattrs --xattrs-include=* --xattrs-exclude=user.overlay.*'
const names = '--no-recursion --null --verbatim-files-from'

/**
 * Writes a layer, as overlayfs has it, as images have it: a tar, gzipped without effort, in a file
 * that is named by the tar's digest.
 * @returns the digest
 */
export async function packLayer(upper: string, directory: string): Promise<string> {
  const scratch = join(directory, `packing-${basename(upper)}`)
  mkdirSync(join(scratch, 'hidden'), { recursive: true })
  const entries = walk(upper)
  const hidden = [
    ...(await opaque(upper)),
    ...entries.filter(({ isWhiteout }) => isWhiteout).map(({ path }) => whiteout(path)),
  ]
  for (const path of hidden) {
    mkdirSync(join(scratch, 'hidden', dirname(path)), { recursive: true })
    writeFileSync(join(scratch, 'hidden', path), '')
  }
  const kept = entries.filter(({ isWhiteout }) => !isWhiteout).map(({ path }) => path)
  writeFileSync(join(scratch, 'kept-list'), kept.join('\0'))
  writeFileSync(join(scratch, 'hidden-list'), hidden.join('\0'))
  const argv = [
    '--create',
    ...`${format} ${attributes} ${names}`.split(' '),
    `--directory=${upper}`,
    `--files-from=${scratch}/kept-list`,
    `--directory=${scratch}/hidden`,
    `--files-from=${scratch}/hidden-list`,
  ]
  const digest = await writeGzipped(argv, join(scratch, 'layer'))
  renameSync(join(scratch, 'layer'), join(directory, digest))
  rmSync(scratch, { recursive: true })
  return digest
}

async function writeGzipped(argv: string[], file: string): Promise<string> {
  const hash = createHash('sha256')
  const hashed = async function* (tar: AsyncIterable<Buffer>) {
    for await (const chunk of tar) {
      hash.update(chunk)
      yield chunk
    }
  }
  await outputOf('tar', argv, (tar) => pipeline(tar, hashed, createGzip({ level: 0 }), createWriteStream(file)))
  return hash.digest('hex')
}

/** What stands in an image for a file that is gone (OCI image layers, "Whiteouts"). */
function whiteout(path: string): string {
  return join(dirname(path), `.wh.${basename(path)}`)
}

/** The same for all that a directory had before it was created again. */
async function opaque(upper: string): Promise<string[]> {
  const options = [
    '--recursive',
    '--physical',
    '--no-dereference',
    '--absolute-names',
    '--match=^user\\.overlay\\.opaque$',
  ]
  let said = ''
  await outputOf('getfattr', [...options, upper], async (output) => {
    said = await text(output)
  })
  const directories = [...said.matchAll(/^# file: (.*)$/gm)].map(([, path = '']) => unescaped(path))
  return directories.map((path) => join(path.slice(upper.length + 1), '.wh..wh..opq'))
}

/** getfattr(1) writes what is not plain as three octal digits. */
function unescaped(path: string): string {
  const bytes = path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
  return Buffer.from(bytes, 'latin1').toString()
}

type Entry = { path: string; isWhiteout: boolean }

/** All in a directory, from the top down, by name. */
function walk(directory: string, below = ''): Entry[] {
  const found = readdirSync(join(directory, below), { withFileTypes: true })
  const sorted = found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return sorted.flatMap((entry) => {
    const path = join(below, entry.name)
    const isWhiteout = entry.isCharacterDevice() && statOf(join(directory, path))?.rdev === 0
    const own = [{ path, isWhiteout }]
    return entry.isDirectory() ? [...own, ...walk(directory, path)] : own
  })
}
