import { describe, expect, it } from 'vitest'
import { Place } from '../../src/engine/docker/place.ts'
import type { OutputLine } from '../../src/engine/engine.ts'

/** Lines that the engine stamped so many nanoseconds after some moment. */
const line = (nanoseconds: number, stream: 'stdout' | 'stderr' = 'stdout', piece = ''): OutputLine => {
  const cursor = `2026-01-02T03:04:05.${String(nanoseconds).padStart(9, '0')}Z`
  return { time: new Date(cursor), cursor: cursor + piece, stream, text: Buffer.from(String(nanoseconds)) }
}

/** What is new in a reading of the log that had these lines. */
function read(place: Place, lines: OutputLine[], { whole } = { whole: false }) {
  place.begin({ whole })
  return lines.filter((each) => place.isNew(each)).map(({ text }) => Number(text))
}

function readThrough(lines: OutputLine[]) {
  const place = new Place(undefined)
  read(place, lines, { whole: true })
  place.settle()
  return place
}

describe('the place in the output of a dyno', () => {
  it('is before the first line, or after the line of a cursor', () => {
    expect(read(new Place(undefined), [line(1), line(2)])).toEqual([1, 2])
    expect(read(new Place(line(2).cursor), [line(1), line(2), line(3)])).toEqual([3])
  })

  it('is found in the order of the log, so that lines written after a clock was set back are new', () => {
    const place = readThrough([line(700), line(800)])
    expect(read(place, [line(700), line(800), line(100), line(200)])).toEqual([100, 200])
    place.settle()
    expect(read(place, [line(800), line(100), line(200), line(150)])).toEqual([150])
    expect(place.isBefore(line(100))).toBe(false)
  })

  it('tells apart lines of the two streams that came at the same time', () => {
    const place = readThrough([line(1, 'stdout'), line(1, 'stderr')])
    expect(read(place, [line(1, 'stdout'), line(1, 'stderr'), line(2)])).toEqual([2])
  })

  it('leaves out what was followed, and finds what the following left out', () => {
    const place = readThrough([line(1)])
    place.begin({ whole: false })
    for (const each of [line(1), line(2), line(4), line(2), line(4)]) if (place.isNew(each)) place.follow(each)
    expect(read(place, [line(1), line(2), line(3), line(4), line(5)])).toEqual([3, 5])
    place.settle()
    expect(read(place, [line(4), line(5), line(6)])).toEqual([6])
  })

  it('is not found in the middle of its own long line, whose pieces have other numbers there', () => {
    const place = new Place(line(5, 'stdout', '+000001').cursor)
    const pieces = [line(5), line(5, 'stdout', '+000001'), line(5, 'stdout', '+000002')]
    expect(read(place, pieces)).toEqual([])
    expect(place.isFound).toBe(false)
    expect(read(place, pieces, { whole: true })).toEqual([5])
    expect(read(place, [line(4), ...pieces])).toEqual([5])
  })

  it('that the log has no more is seen at its first line', () => {
    const place = readThrough([line(1), line(2)])
    place.begin({ whole: true })
    expect(place.isBefore(line(2))).toBe(false)
    expect(place.isBefore(line(3))).toBe(true)
    place.giveUp()
    expect([line(3), line(4)].map((each) => place.isNew(each))).toEqual([true, true])
  })

  it('from before a restart of this process is looked for in the whole log', () => {
    const place = new Place(line(2).cursor)
    place.begin({ whole: true })
    expect(place.isBefore(line(3))).toBe(false)
  })
})
