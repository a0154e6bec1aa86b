import type { Readable } from 'node:stream'

/** One write of a process without terminal. */
export type Frame = { stream: 'stdout' | 'stderr'; data: Buffer }

const headerLength = 8

/** What the engine says itself about a log that it cannot read on (moby pkg/stdcopy). */
const systemStream = 3

/**
 * Cuts Docker's multiplexed stream into frames: one byte of stream (1 out, 2 err), three of
 * nothing, four of length (API reference, "Attach to a container"). A frame cut off by the end of
 * the connection is dropped.
 */
export async function* readFrames(source: Readable): AsyncGenerator<Frame> {
  /** Of a frame whose rest is still to come. */
  let begun: Buffer = Buffer.alloc(0)
  for await (const chunk of source as AsyncIterable<Buffer>) {
    for (let rest = chunk; rest.length > 0;) {
      const missing = lengthOf(begun.length > 0 ? begun : rest) - begun.length
      const part = rest.subarray(0, missing)
      // A frame that lies in one chunk is not copied: a build gives hundreds of megabytes.
      begun = begun.length > 0 ? Buffer.concat([begun, part]) : part
      rest = rest.subarray(part.length)
      if (begun.length < headerLength || begun.length < lengthOf(begun)) continue
      if (begun[0] !== systemStream)
        yield { stream: begun[0] === 2 ? 'stderr' : 'stdout', data: begun.subarray(headerLength) }
      begun = Buffer.alloc(0)
    }
  }
}

/** Of the frame that begins with this; as far as is known, its header. */
function lengthOf(data: Buffer): number {
  return data.length < headerLength ? headerLength : headerLength + data.readUInt32BE(4)
}
