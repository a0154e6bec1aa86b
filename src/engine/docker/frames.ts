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
  let pending: Buffer = Buffer.alloc(0)
  for await (const chunk of source as AsyncIterable<Buffer>) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length >= headerLength) {
      const end = headerLength + pending.readUInt32BE(4)
      if (pending.length < end) break
      const data = pending.subarray(headerLength, end)
      if (pending[0] !== systemStream) yield { stream: pending[0] === 2 ? 'stderr' : 'stdout', data }
      pending = pending.subarray(end)
    }
  }
}
