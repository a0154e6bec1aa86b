import { describe, expect, it } from 'vitest'
import { ChunkedReader } from '../../../src/router/http/chunked-reader.ts'

/** Reads `text` in pieces of `size` bytes. */
function read(text: string, size = text.length) {
  const reader = new ChunkedReader()
  let data = ''
  let at = 0
  for (let start = 0; start < text.length && !reader.done; start += size) {
    const piece = Buffer.from(text.slice(start, start + size), 'latin1')
    const end = reader.read(piece, 0, (bytes) => (data += bytes.toString('latin1')))
    if (end === -1) return 'malformed'
    at = start + end
  }
  return { data, done: reader.done, rest: text.slice(at), trailers: reader.trailers.map(({ line }) => line) }
}

describe('a chunked body', () => {
  const whole = '4\r\nwiki\r\n5;ext=1\r\npedia\r\n00\r\nX-Sum: 9\r\n\r\nGET /'

  it.each([1, 2, 3, 7, 1000])('is read from pieces of %i bytes', (size) => {
    const result = read(whole, size)
    expect(result).toMatchObject({ data: 'wikipedia', done: true, trailers: ['X-Sum: 9\r\n'] })
  })

  it('leaves what follows it', () => {
    expect(read(whole)).toMatchObject({ rest: 'GET /' })
  })

  it('is not complete before its last line', () => {
    expect(read('4\r\nwiki\r\n0\r\n')).toMatchObject({ done: false })
  })

  it.each([
    ['no size', '\r\nwiki\r\n'],
    ['a sign', '+4\r\nwiki\r\n'],
    ['0x', '0x4\r\nwiki\r\n'],
    ['a blank before the size', ' 4\r\nwiki\r\n'],
    ['a size that is too large', '1000000000000\r\nwiki\r\n'],
    ['letters', 'four\r\nwiki\r\n'],
    ['a bare LF after the size', '4\nwiki\r\n'],
    ['a bare LF in an extension', '4;a\nb\r\nwiki\r\n'],
    ['a bare CR in an extension', '4;a\rb\r\nwiki\r\n'],
    ['an endless extension', `4;${'a'.repeat(300)}`],
    ['more data than the size says', '4\r\nwikipedia\r\n'],
    ['a bare LF after the data', '4\r\nwiki\n0\r\n\r\n'],
    ['a continued trailer', '0\r\nA: b\r\n c\r\n\r\n'],
    ['a trailer without colon', '0\r\nA\r\n\r\n'],
    ['endless trailers', `0\r\n${'A: b\r\n'.repeat(4000)}`],
  ])('with %s is malformed', (_, text) => {
    expect(read(text)).toBe('malformed')
    expect(read(text, 1)).toBe('malformed')
  })
})
