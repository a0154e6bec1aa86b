import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'

/** A file for an image, owned by root. */
export type ImageFile = { name: string; content: string | Buffer; mode?: number }

export function tarOf(files: Iterable<ImageFile>): Readable {
  const tar = pack()
  for (const { name, content, mode = 0o644 } of files) tar.entry({ name, mode, uid: 0, gid: 0 }, content)
  tar.finalize()
  return Readable.from(tar)
}

/** All files of a directory, to lie under `prefix`. */
export function* filesUnder(directory: string, prefix: string): Generator<ImageFile> {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const mode = statSync(path).mode & 0o111 ? 0o755 : 0o644
    yield { name: join(prefix, relative(directory, path)), content: readFileSync(path), mode }
  }
}
