import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack, type Pack } from '../../tar.ts'

/**
 * A file for an image, owned by root: its content, or the path of a large one that is not to be
 * held in memory.
 */
export type ImageFile = SmallFile | LargeFile
export type SmallFile = { name: string; mode?: number; content: string | Buffer }
type LargeFile = { name: string; mode?: number; path: string }

export function tarOf(files: Iterable<ImageFile>): Readable {
  const tar = pack()
  addAll(tar, files).catch((error: Error) => tar.destroy(error))
  return Readable.from(tar, { objectMode: false })
}

async function addAll(tar: Pack, files: Iterable<ImageFile>): Promise<void> {
  for (const file of files) {
    const header = { name: file.name, mode: file.mode ?? 0o644, uid: 0, gid: 0 }
    if ('content' in file) tar.entry(header, file.content)
    else await pipeline(createReadStream(file.path), tar.entry({ ...header, size: statSync(file.path).size }))
  }
  tar.finalize()
}

/** All files of a directory, to lie under `prefix`. */
export function* filesUnder(directory: string, prefix: string): Generator<SmallFile> {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const mode = statSync(path).mode & 0o111 ? 0o755 : 0o644
    yield { name: join(prefix, relative(directory, path)), content: readFileSync(path), mode }
  }
}
