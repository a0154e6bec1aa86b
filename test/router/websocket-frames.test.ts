import { describe, expect, it } from 'vitest'
import { FrameCursor } from '../../src/router/websocket-frames.ts'

const frame = (size: number, masked = false): Buffer => {
  const length =
    size < 126
      ? [size]
      : size < 65_536
        ? [126, size >> 8, size & 255]
        : [127, 0, 0, 0, 0, size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255]
  length[0]! |= masked ? 0x80 : 0
  return Buffer.concat([Buffer.from([0x82, ...length, ...(masked ? [1, 2, 3, 4] : [])]), Buffer.alloc(size, 0x88)])
}

describe('the cursor over WebSocket frames', () => {
  it.each([0, 1, 125, 126, 65_535, 65_536, 70_000])('is between frames exactly after a frame of %i bytes', (size) => {
    for (const masked of [false, true]) {
      const bytes = frame(size, masked)
      const cursor = new FrameCursor()
      const boundaries = [...bytes].flatMap((byte, at) => {
        cursor.advance(Buffer.from([byte]))
        return cursor.atBoundary ? [at + 1] : []
      })
      expect(boundaries).toEqual([bytes.length])
    }
  })

  it('finds the end of the frame that is on its way', () => {
    const cursor = new FrameCursor()
    const bytes = Buffer.concat([frame(300), frame(5), frame(7)])
    cursor.advance(bytes.subarray(0, 100))
    expect(cursor.advanceToBoundary(bytes.subarray(100))).toBe(204)
    expect(cursor.atBoundary).toBe(true)
  })
})
