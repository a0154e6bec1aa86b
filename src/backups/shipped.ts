import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A file of an archive: `stamp` is its size and when it was written. */
export type ArchiveFile = { path: string; bytes: number; stamp: string }

/** What of one archive is at one target; `goneAt`: since when it is no longer in the archive. */
export type Shipped = { target: string; archive: string; files: Record<string, { stamp: string; goneAt?: number }> }

/** What is lost is found out again: files are stored once more, and are the same. */
export async function readShipped(file: string): Promise<Shipped | undefined> {
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Shipped
  } catch {
    return undefined
  }
}

export async function writeShipped(file: string, shipped: Shipped): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(`${file}.new`, JSON.stringify(shipped), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** The table of what there is comes after what it names. */
function inOrder(files: ArchiveFile[]): ArchiveFile[] {
  const isTable = ({ path }: ArchiveFile): number => Number(/\.info(\.copy)?$/.test(path))
  return files.toSorted((one, other) => isTable(one) - isTable(other) || one.path.localeCompare(other.path))
}

/** Files that are stored together: tables apart, and so many bytes at most, or one file. */
export function batchesOf(files: ArchiveFile[], mostBytes: number): ArchiveFile[][] {
  const batches: ArchiveFile[][] = []
  let room = 0
  for (const file of inOrder(files)) {
    if (room < file.bytes || file.path.endsWith('.info')) {
      batches.push([])
      room = mostBytes
    }
    batches.at(-1)?.push(file)
    room -= file.bytes
  }
  return batches
}
