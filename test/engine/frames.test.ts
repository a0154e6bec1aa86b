import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { readFrames } from '../../src/engine/docker/frames.ts'

function frame(stream: number, text: string): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(text.length, 4)
  return Buffer.concat([header, Buffer.from(text)])
}

async function read(chunks: Buffer[]) {
  const frames = await Array.fromAsync(readFrames(Readable.from(chunks)))
  return frames.map(({ stream, data }) => [stream, data.toString()])
}

const whole = Buffer.concat([frame(1, 'out'), frame(2, 'err'), frame(1, '')])
const expected = [
  ['stdout', 'out'],
  ['stderr', 'err'],
  ['stdout', ''],
]

it('frames are read from one chunk', async () => {
  expect(await read([whole])).toEqual(expected)
})

it('frames are read from chunks of single bytes', async () => {
  expect(await read(Array.from(whole, (byte) => Buffer.from([byte])))).toEqual(expected)
})

it('a frame that the connection cut off is left out', async () => {
  expect(await read([whole.subarray(0, -9)])).toEqual(expected.slice(0, 1))
})
