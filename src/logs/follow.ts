import { open, type FileHandle } from 'node:fs/promises'
import type { ReadLine } from '../model/app-log.ts'
import { parseLine } from './line.ts'
import { formatPosition, type Mark } from './position.ts'
import { listSegments, segmentPath, unlessNoFile } from './segments.ts'

const blockSize = 64 * 2 ** 10
const newline = 0x0a

/**
 * Reads one app's log forwards, each line once, across rotations. It holds the newest segment and
 * the one before it open: a writer that looked at the size before another filled the segment may
 * add one more batch to it.
 */
export class Follower implements AsyncDisposable {
  readonly #directory: string
  #marks: (Mark & { handle: FileHandle })[] = []

  private constructor(directory: string) {
    this.#directory = directory
  }

  /** Begins at `marks`; without them, or if their segments are gone, with the oldest line kept. */
  static async open(directory: string, marks: Mark[]): Promise<Follower> {
    const follower = new Follower(directory)
    for (const mark of marks) await follower.#add(mark)
    return follower
  }

  /** All lines until the log's present end. @throws ENOENT when the log was removed */
  async *readOn(): AsyncGenerator<ReadLine> {
    do {
      for (const mark of this.#marks) yield* this.#readLines(mark)
    } while (await this.#advance())
  }

  /** Goes on to the next segment, if there is one; lets go of the one before the last. */
  async #advance(): Promise<boolean> {
    const newest = this.#marks.at(-1)?.segment ?? 0
    const next = (await listSegments(this.#directory)).find((segment) => segment > newest)
    if (next === undefined) return false
    await this.#add({ segment: next, offset: 0 })
    if (this.#marks.length > 2) await this.#marks.shift()?.handle.close()
    return true
  }

  async #add(mark: Mark): Promise<void> {
    const handle = await open(segmentPath(this.#directory, mark.segment)).catch(unlessNoFile)
    if (handle) this.#marks.push({ ...mark, handle })
  }

  async *#readLines(mark: Mark & { handle: FileHandle }): AsyncGenerator<ReadLine> {
    for (;;) {
      const { buffer, bytesRead } = await mark.handle.read(Buffer.alloc(blockSize), 0, blockSize, mark.offset)
      const block = buffer.subarray(0, bytesRead)
      const end = block.lastIndexOf(newline) + 1
      for (let start = 0; start < end;) {
        const lineEnd = block.indexOf(newline, start)
        mark.offset += lineEnd + 1 - start
        const line = parseLine(block.toString('utf8', start, lineEnd))
        start = lineEnd + 1
        if (line) yield { ...line, position: formatPosition(this.#marks) }
      }
      // No line that we write is as long as a block; a longer one is damage, and is skipped.
      if (end === 0 && bytesRead === blockSize) mark.offset += blockSize
      else if (end === 0) return
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const marks = this.#marks
    this.#marks = []
    await Promise.all(marks.map(({ handle }) => handle.close()))
  }
}
