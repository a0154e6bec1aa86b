import { describe, expect, it } from 'vitest'
import { LineCutter, longestLine, unixTime } from '../../src/engine/docker/lines.ts'

const stamp = '2026-01-02T03:04:05.123456789Z'
const frame = (text: string, stream: 'stdout' | 'stderr' = 'stdout') => ({
  stream,
  data: Buffer.from(`${stamp} ${text}`),
})
const texts = (lines: { text: Buffer }[]) => lines.map(({ text }) => text.toString())

describe('lines of a dyno', () => {
  it('have their time, their place and no end', () => {
    const [line] = new LineCutter().push(frame('hello\n'))
    expect(line).toEqual({
      time: new Date('2026-01-02T03:04:05.123Z'),
      cursor: stamp,
      stream: 'stdout',
      text: Buffer.from('hello'),
    })
  })

  it('may be empty', () => {
    expect(texts(new LineCutter().push(frame('\n')))).toEqual([''])
  })

  it('are put together from pieces, each stream by itself', () => {
    const cutter = new LineCutter()
    expect(cutter.push(frame('one '))).toEqual([])
    expect(cutter.push(frame('other ', 'stderr'))).toEqual([])
    expect(texts(cutter.push(frame('line\n')))).toEqual(['one line'])
    expect(texts(cutter.push(frame('stream\n', 'stderr')))).toEqual(['other stream'])
  })

  it('are cut when they never end, without losing a byte', () => {
    const cutter = new LineCutter()
    const piece = 'x'.repeat(16_000)
    const cut = Array.from({ length: 9 }, () => cutter.push(frame(piece))).flat()
    expect(cut.map(({ text }) => text.length)).toEqual([longestLine, longestLine])
    expect(texts(cutter.finish()).join('').length).toBe(9 * 16_000 - 2 * longestLine)
  })

  it('of exactly the longest length come whole', () => {
    expect(new LineCutter().push(frame(`${'x'.repeat(longestLine)}\n`))).toHaveLength(1)
  })

  it('that were begun come at the end', () => {
    const cutter = new LineCutter()
    cutter.push(frame('no end'))
    expect(texts(cutter.finish())).toEqual(['no end'])
    expect(cutter.finish()).toEqual([])
  })
})

it('a cursor becomes seconds with nine decimals', () => {
  expect(unixTime(stamp)).toBe('1767323045.123456789')
})
