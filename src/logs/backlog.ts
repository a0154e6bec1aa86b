import { open, type FileHandle } from 'node:fs/promises'
import type { ReadLine } from '../model/app-log.ts'
import { parseLine } from './line.ts'
import { formatPosition, type Mark } from './position.ts'
import { listSegments, segmentPath, unlessNoFile } from './segments.ts'

const blockSize = 64 * 2 ** 10
const newline = 0x0a

/**
 * Where the log ends now: after the last whole line of each of its two newest segments. None: it
 * has no lines.
 */
export async function findEnd(directory: string): Promise<Mark[]> {
  const segments = (await listSegments(directory)).slice(-2)
  const marks = await Promise.all(segments.map((segment) => endOf(directory, segment)))
  return marks.filter((mark) => mark !== undefined)
}

/** The last `count` lines before `end` that match, oldest first. */
export async function readLast(
  directory: string,
  { end, count, matches }: { end: Mark[]; count: number; matches: (line: ReadLine) => boolean },
): Promise<ReadLine[]> {
  const found: ReadLine[] = []
  for await (const line of linesBefore(directory, end)) {
    if (found.length >= count) break
    if (matches(line)) found.push(line)
  }
  return found.toReversed()
}

/** All lines that are kept before `end`, newest first. */
async function* linesBefore(directory: string, end: Mark[]): AsyncGenerator<ReadLine> {
  const segments = (await listSegments(directory)).filter((segment) => segment <= (end.at(-1)?.segment ?? 0))
  for (const segment of segments.toReversed()) {
    const mark = end.find((one) => one.segment === segment) ?? (await endOf(directory, segment))
    await using handle = await open(segmentPath(directory, segment)).catch(unlessNoFile)
    if (mark === undefined || handle === undefined) continue
    for await (const { text, offset } of readBackwards(handle, mark.offset)) {
      const line = parseLine(text)
      if (line) yield { ...line, position: formatPosition([{ segment, offset }]) }
    }
  }
}

async function endOf(directory: string, segment: number): Promise<Mark | undefined> {
  await using handle = await open(segmentPath(directory, segment)).catch(unlessNoFile)
  if (handle === undefined) return undefined
  const { size } = await handle.stat()
  for await (const { offset } of readBackwards(handle, size)) return { segment, offset }
  return { segment, offset: 0 }
}

/** The whole lines before byte `end`, last first; `offset` is where each of them ends. */
async function* readBackwards(handle: FileHandle, end: number): AsyncGenerator<{ text: string; offset: number }> {
  let known: Buffer = Buffer.alloc(0)
  for (let start = end; start > 0;) {
    const from = Math.max(0, start - blockSize)
    known = Buffer.concat([await readBlock(handle, from, start), known])
    start = from
    let lineEnd = known.lastIndexOf(newline)
    while (lineEnd !== -1) {
      const previous = lineEnd === 0 ? -1 : known.lastIndexOf(newline, lineEnd - 1)
      if (previous === -1 && start > 0) break
      yield { text: known.toString('utf8', previous + 1, lineEnd), offset: start + lineEnd + 1 }
      lineEnd = previous
    }
    known = known.subarray(0, lineEnd + 1)
  }
}

async function readBlock(handle: FileHandle, from: number, to: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - from), 0, to - from, from)
  return buffer.subarray(0, bytesRead)
}
