import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { listSegments, removeOldSegments, segmentPath, type SegmentSizes } from './segments.ts'

/** Appends to the newest segment of one directory, and continues to the next when it is full. */
export class SegmentWriter implements AsyncDisposable {
  readonly #directory: string
  readonly #sizes: SegmentSizes
  #file: { handle: FileHandle; segment: number } | undefined
  #lineIsTorn = false

  constructor(directory: string, sizes: SegmentSizes) {
    this.#directory = directory
    this.#sizes = sizes
  }

  /**
   * Appends whole lines in one write, which O_APPEND keeps apart from those of other processes. Not
   * to be called again before it resolved.
   * @throws ENOENT when the log was removed since it was opened; ENOSPC and the like when it cannot
   *   be written
   */
  async append(lines: string): Promise<void> {
    const handle = await this.#writable()
    const bytes = Buffer.from(this.#lineIsTorn ? `\n${lines}` : lines)
    const { bytesWritten } = await handle.write(bytes)
    if (bytesWritten > 0) this.#lineIsTorn = bytesWritten < bytes.length
    if (bytesWritten < bytes.length)
      throw Object.assign(new Error('only a part of the lines was written'), { code: 'ENOSPC' })
  }

  async #writable(): Promise<FileHandle> {
    if (this.#file === undefined) {
      await mkdir(this.#directory, { recursive: true, mode: 0o770 })
      await this.#open(1)
    }
    for (;;) {
      const { handle, segment } = this.#file!
      const { size, nlink } = await handle.stat()
      if (nlink > 0 && size < this.#sizes.segmentBytes) return handle
      await this.#open(segment + 1)
    }
  }

  /** Opens the newest segment, `least` or a later one if other processes are further on. */
  async #open(least: number): Promise<void> {
    const segment = Math.max(least, (await listSegments(this.#directory)).at(-1) ?? 0)
    const handle = await open(segmentPath(this.#directory, segment), 'a+', 0o660)
    await this[Symbol.asyncDispose]()
    this.#file = { handle, segment }
    this.#lineIsTorn = await endsInsideLine(handle)
    await removeOldSegments(this.#directory, segment, this.#sizes.segments)
  }

  /** Closes the file; the next append opens it again. */
  async [Symbol.asyncDispose](): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.handle.close()
  }
}

/** A power cut or a full disk may have left half a line. */
async function endsInsideLine(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat()
  if (size === 0) return false
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0] !== 0x0a
}
