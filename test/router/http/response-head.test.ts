import { describe, expect, it } from 'vitest'
import { parseResponseHead } from '../../../src/router/http/response-head.ts'

const parse = (lines: string[], method = 'GET') =>
  parseResponseHead(lines.map((line) => `${line}\r\n`).join(''), method)

describe('a response head', () => {
  it.each([
    ['a length', ['HTTP/1.1 200 OK', 'Content-Length: 3'], { kind: 'length', length: 3 }],
    ['chunks', ['HTTP/1.1 200 OK', 'Transfer-Encoding: Chunked'], { kind: 'chunked' }],
    ['neither', ['HTTP/1.1 200 OK'], { kind: 'close' }],
    ['status 204', ['HTTP/1.1 204 No Content', 'Content-Length: 3'], { kind: 'none' }],
    ['status 304', ['HTTP/1.1 304 Not Modified', 'Content-Length: 3'], { kind: 'none' }],
    ['an interim status', ['HTTP/1.1 103 Early Hints'], { kind: 'none' }],
  ])('with %s says how the body ends', (_, lines, framing) => {
    expect(parse(lines)).toMatchObject({ framing })
  })

  it('to HEAD has no body', () => {
    expect(parse(['HTTP/1.1 200 OK', 'Content-Length: 3'], 'HEAD')).toMatchObject({ framing: { kind: 'none' } })
  })

  it('may have no reason, and none of the blanks before it', () => {
    expect(parse(['HTTP/1.1 200 ', 'Content-Length: 0'])).toMatchObject({ status: 200, reason: '' })
    expect(parse(['HTTP/1.1 200', 'Content-Length: 0'])).toMatchObject({ status: 200, reason: '' })
  })

  it('leaves the connection open as its version and Connection say', () => {
    const length = 'Content-Length: 0'
    expect(parse(['HTTP/1.1 200 OK', length])).toMatchObject({ keepAlive: true })
    expect(parse(['HTTP/1.1 200 OK', length, 'Connection: close'])).toMatchObject({ keepAlive: false })
    expect(parse(['HTTP/1.0 200 OK', length])).toMatchObject({ keepAlive: false })
    expect(parse(['HTTP/1.0 200 OK', length, 'Connection: keep-alive'])).toMatchObject({ keepAlive: true })
    expect(parse(['HTTP/1.1 200 OK'])).toMatchObject({ keepAlive: false })
  })

  it('of a later HTTP/1 is read as HTTP/1.1', () => {
    expect(parse(['HTTP/1.2 200 OK', 'Content-Length: 0'])).toMatchObject({ status: 200, keepAlive: true })
  })

  it.each([
    ['another protocol', ['ICY 200 OK']],
    ['a status of two digits', ['HTTP/1.1 20 OK']],
    ['a status above 599', ['HTTP/1.1 600 OK']],
    ['a length and chunks', ['HTTP/1.1 200 OK', 'Content-Length: 3', 'Transfer-Encoding: chunked']],
    ['two lengths', ['HTTP/1.1 200 OK', 'Content-Length: 3', 'Content-Length: 4']],
    ['a negative length', ['HTTP/1.1 200 OK', 'Content-Length: -3']],
    ['another coding', ['HTTP/1.1 200 OK', 'Transfer-Encoding: gzip']],
    ['chunks in HTTP/1.0', ['HTTP/1.0 200 OK', 'Transfer-Encoding: chunked']],
    ['a continued line', ['HTTP/1.1 200 OK', 'A: b', '\tc']],
    ['a bare CR', ['HTTP/1.1 200 OK', 'A: b\rSet-Cookie: c']],
  ])('with %s is malformed', (_, lines) => {
    expect(parse(lines)).toBeTypeOf('string')
  })
})
