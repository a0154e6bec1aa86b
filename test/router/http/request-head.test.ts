import { describe, expect, it } from 'vitest'
import { parseRequestHead, type RequestHead } from '../../../src/router/http/request-head.ts'

const parse = (...lines: string[]) => parseRequestHead(lines.map((line) => `${line}\r\n`).join(''))
const accepted = (...lines: string[]): RequestHead => {
  const head = parse(...lines)
  if ('refused' in head) throw new Error(head.reason)
  return head
}

describe('a request head', () => {
  it('is read with its host in lower case, without port and root dot', () => {
    const head = accepted('GET /a?b=c HTTP/1.1', 'Host: App.Test.:8080', 'X-Name:  some value\t', 'X-Other:\xa0a ')
    expect(head).toMatchObject({ method: 'GET', target: '/a?b=c', version: 1, host: 'app.test', keepAlive: true })
    expect(head.fields[1]).toMatchObject({ key: 'x-name', value: 'some value' })
    expect(head.fields[2]).toMatchObject({ value: '\xa0a' })
  })

  it('in absolute form goes on in origin form', () => {
    expect(accepted('GET http://app.test:80/a?b HTTP/1.1', 'Host: app.test:80').target).toBe('/a?b')
    expect(accepted('GET HTTP://app.test?b HTTP/1.1', 'Host: app.test').target).toBe('/?b')
  })

  it('in absolute form without a path asks OPTIONS of the server as a whole', () => {
    expect(accepted('OPTIONS http://app.test HTTP/1.1', 'Host: app.test').target).toBe('*')
    expect(accepted('OPTIONS http://app.test/ HTTP/1.1', 'Host: app.test').target).toBe('/')
    expect(accepted('OPTIONS http://app.test?b HTTP/1.1', 'Host: app.test').target).toBe('/?b')
    expect(accepted('GET http://app.test HTTP/1.1', 'Host: app.test').target).toBe('/')
  })

  it('may name its host with a colon and no port', () => {
    expect(accepted('GET / HTTP/1.1', 'Host: app.test:').host).toBe('app.test')
    expect(accepted('GET / HTTP/1.1', 'Host: [::1]:').host).toBe('[::1]')
    expect(accepted('GET http://app.test/a HTTP/1.1', 'Host: app.test:').target).toBe('/a')
    expect(accepted('GET http://app.test:/a HTTP/1.1', 'Host: app.test').target).toBe('/a')
  })

  it('of a later HTTP/1 is read as HTTP/1.1', () => {
    expect(accepted('GET / HTTP/1.2', 'Host: a')).toMatchObject({ version: 1, keepAlive: true })
    expect(accepted('GET / HTTP/1.9', 'Host: a')).toMatchObject({ version: 1, keepAlive: true })
  })

  it('is kept alive by default only in HTTP/1.1', () => {
    expect(accepted('GET / HTTP/1.0', 'Host: a').keepAlive).toBe(false)
    expect(accepted('GET / HTTP/1.0', 'Host: a', 'Connection: Keep-Alive').keepAlive).toBe(true)
    expect(accepted('GET / HTTP/1.1', 'Host: a', 'Connection: x, close').keepAlive).toBe(false)
  })

  it('asks for an upgrade only with Connection: upgrade, in HTTP/1.1, and never to h2c', () => {
    const upgrade = ['Host: a', 'Connection: keep-alive, Upgrade', 'Upgrade: websocket'] as const
    expect(accepted('GET / HTTP/1.1', ...upgrade).upgrade).toBe('websocket')
    expect(accepted('GET / HTTP/1.0', ...upgrade).upgrade).toBeUndefined()
    expect(accepted('GET / HTTP/1.1', 'Host: a', 'Upgrade: websocket').upgrade).toBeUndefined()
    for (const protocol of ['h2c', 'H2C', 'websocket, h2c', 'h2c/1']) {
      const head = accepted('GET / HTTP/1.1', 'Host: a', 'Connection: Upgrade, HTTP2-Settings', `Upgrade: ${protocol}`)
      expect(head.upgrade).toBeUndefined()
    }
  })

  const bad: [string, number, string[]][] = [
    ['no Host', 400, ['GET / HTTP/1.1']],
    ['two Hosts', 400, ['GET / HTTP/1.1', 'Host: a', 'Host: a']],
    ['a Host with a blank', 400, ['GET / HTTP/1.1', 'Host: a b']],
    ['a Host with @', 400, ['GET / HTTP/1.1', 'Host: user@a']],
    ['a list of Hosts', 400, ['GET / HTTP/1.1', 'Host: a, b']],
    ['a Host with a path', 400, ['GET / HTTP/1.1', 'Host: a/b']],
    ['a Host with a bad port', 400, ['GET / HTTP/1.1', 'Host: a:99999']],
    ['a Host that is a colon', 400, ['GET / HTTP/1.1', 'Host: :']],
    ['an empty Host', 400, ['GET / HTTP/1.1', 'Host: ']],
    ['a target that names another host', 400, ['GET http://b/ HTTP/1.1', 'Host: a']],
    ['a target that names another port', 400, ['GET http://a:81/ HTTP/1.1', 'Host: a']],
    ['a target with a user', 400, ['GET http://u@a/ HTTP/1.1', 'Host: a']],
    ['an https target', 400, ['GET https://a/ HTTP/1.1', 'Host: a']],
    ['a fragment', 400, ['GET /#x HTTP/1.1', 'Host: a']],
    ['a relative target', 400, ['GET x HTTP/1.1', 'Host: a']],
    ['* with GET', 400, ['GET * HTTP/1.1', 'Host: a']],
    ['a target that is not ASCII', 400, ['GET /\xe9 HTTP/1.1', 'Host: a']],
    ['two blanks', 400, ['GET  / HTTP/1.1', 'Host: a']],
    ['a tab for a blank', 400, ['GET\t/ HTTP/1.1', 'Host: a']],
    ['no version', 400, ['GET /', 'Host: a']],
    ['a lower-case version', 400, ['GET / http/1.1', 'Host: a']],
    ['a long target', 414, [`GET /${'x'.repeat(16_384)} HTTP/1.1`, 'Host: a']],
    ['HTTP/2', 505, ['GET / HTTP/2.0', 'Host: a']],
    ['HTTP/0.9', 505, ['GET / HTTP/0.9', 'Host: a']],
    ['CONNECT', 405, ['CONNECT /a:443 HTTP/1.1', 'Host: a']],
    ['TRACE', 405, ['TRACE / HTTP/1.1', 'Host: a']],
    ['an expectation other than 100-continue', 417, ['GET / HTTP/1.1', 'Host: a', 'Expect: 200-ok']],
    ['a blank before the colon', 400, ['GET / HTTP/1.1', 'Host: a', 'X-A : b']],
    ['a line without colon', 400, ['GET / HTTP/1.1', 'Host: a', 'X-A']],
    ['an empty name', 400, ['GET / HTTP/1.1', 'Host: a', ': b']],
    ['a continued line', 400, ['GET / HTTP/1.1', 'Host: a', 'X-A: b', ' c']],
    ['a first line that begins with a blank', 400, ['GET / HTTP/1.1', ' Host: a']],
    ['a bare LF in a value', 400, ['GET / HTTP/1.1', 'Host: a', 'X-A: b\nX-B: c']],
    ['a bare CR in a value', 400, ['GET / HTTP/1.1', 'Host: a', 'X-A: b\rX-B: c']],
    ['a NUL in a value', 400, ['GET / HTTP/1.1', 'Host: a', 'X-A: b\0c']],
    ['too many headers', 400, ['GET / HTTP/1.1', 'Host: a', ...Array<string>(256).fill('X-A: b')]],
    [
      'Content-Length and Transfer-Encoding',
      400,
      ['POST / HTTP/1.1', 'Host: a', 'Content-Length: 3', 'Transfer-Encoding: chunked'],
    ],
    ['two Content-Lengths', 400, ['POST / HTTP/1.1', 'Host: a', 'Content-Length: 3', 'Content-Length: 3']],
    ['a list of Content-Lengths', 400, ['POST / HTTP/1.1', 'Host: a', 'Content-Length: 3, 3']],
    ['a Content-Length with a sign', 400, ['POST / HTTP/1.1', 'Host: a', 'Content-Length: +3']],
    ['a hexadecimal Content-Length', 400, ['POST / HTTP/1.1', 'Host: a', 'Content-Length: 0x3']],
    ['an empty Content-Length', 400, ['POST / HTTP/1.1', 'Host: a', 'Content-Length:']],
    ['a huge Content-Length', 400, ['POST / HTTP/1.1', 'Host: a', 'Content-Length: 9999999999999999']],
    [
      'two Transfer-Encodings',
      400,
      ['POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
    ],
    ['another Transfer-Encoding', 400, ['POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: gzip, chunked']],
    ['a misspelt Transfer-Encoding', 400, ['POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: xchunked']],
    ['Transfer-Encoding in HTTP/1.0', 400, ['POST / HTTP/1.0', 'Host: a', 'Transfer-Encoding: chunked']],
    ...['X-Forwarded-For', 'x-forwarded-proto', 'Host', 'Content-Length', 'Authorization', 'Cookie'].map(
      (name): [string, number, string[]] => [
        `Connection that names ${name}`,
        400,
        ['GET / HTTP/1.1', 'Host: a', `Connection: keep-alive, ${name}`],
      ],
    ),
  ]
  it.each(bad)('with %s is refused with %i', (_, status, lines) => {
    expect(parse(...lines)).toMatchObject({ refused: status })
  })
})
