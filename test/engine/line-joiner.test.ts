import { describe, expect, it } from 'vitest'
import { LineJoiner, longestPiece, stampOf } from '../../src/engine/docker/line-joiner.ts'

const stamp = '2026-01-02T03:04:05.123456789Z'
const frame = (text: string, stream: 'stdout' | 'stderr' = 'stdout') => ({
  stream,
  data: Buffer.from(`${stamp} ${text}`),
})
const texts = (lines: { text: Buffer }[]) => lines.map(({ text }) => text.toString())

describe('lines of a dyno', () => {
  it('have their time, their place and no end', () => {
    const [line] = new LineJoiner().push(frame('hello\n'))
    expect(line).toEqual({
      time: new Date('2026-01-02T03:04:05.123Z'),
      cursor: stamp,
      stream: 'stdout',
      text: Buffer.from('hello'),
    })
  })

  it('may be empty', () => {
    expect(texts(new LineJoiner().push(frame('\n')))).toEqual([''])
  })

  it('are put together from parts, each stream by itself', () => {
    const cutter = new LineJoiner()
    const part = '-'.repeat(16 * 1024)
    expect(cutter.push(frame(part))).toEqual([])
    expect(cutter.push(frame(part, 'stderr'))).toEqual([])
    expect(texts(cutter.push(frame('one\n')))).toEqual([`${part}one`])
    expect(texts(cutter.push(frame('other\n', 'stderr')))).toEqual([`${part}other`])
  })

  it('are cut when they never end, without losing a byte, and each piece has its place', () => {
    const cutter = new LineJoiner()
    const part = 'x'.repeat(16 * 1024)
    const cut = Array.from({ length: 9 }, () => cutter.push(frame(part))).flat()
    expect(cut.map(({ text }) => text.length)).toEqual([longestPiece, longestPiece])
    const lines = [...cut, ...cutter.push(frame('end\n'))]
    expect(texts(lines).at(-1)).toBe(`${part}end`)
    expect(lines.map(({ cursor }) => cursor)).toEqual([stamp, `${stamp}+000001`, `${stamp}+000002`])
  })

  it('that a process left without end when it exited are not joined with the next one’s', () => {
    const cutter = new LineJoiner()
    expect(texts(cutter.push(frame('no end')))).toEqual(['no end'])
    expect(texts(cutter.push(frame('next\n')))).toEqual(['next'])
  })

  it('of exactly the longest length come whole', () => {
    expect(new LineJoiner().push(frame(`${'x'.repeat(longestPiece)}\n`))).toHaveLength(1)
  })

  it.each(['\n', '\r\n'])(
    'whose end alone is left after pieces of the longest length have no empty piece: %j',
    (end) => {
      const cutter = new LineJoiner()
      const pieces = Array.from({ length: 4 }, () => cutter.push(frame('x'.repeat(16 * 1024)))).flat()
      expect(pieces.map(({ text }) => text.length)).toEqual([longestPiece])
      expect(cutter.push(frame(end))).toEqual([])
      expect(texts(cutter.push(frame('next\n')))).toEqual(['next'])
    },
  )

  it('that were begun come at the end', () => {
    const cutter = new LineJoiner()
    const part = '-'.repeat(16 * 1024)
    cutter.push(frame(part))
    expect(texts(cutter.finish())).toEqual([part])
    expect(cutter.finish()).toEqual([])
  })
})

it('a cursor has the time of its line, whichever piece it names', () => {
  expect([stampOf(stamp), stampOf(`${stamp}+000007`)]).toEqual([stamp, stamp])
})
