import { describe, expect, it } from 'vitest'
import { readProxyHeader } from '../../src/router/proxy-header.ts'
import { proxyHeader2 } from './helpers/proxy-header.ts'

const read = (text: string) => readProxyHeader(Buffer.from(text, 'latin1'))

describe('a PROXY header of version 1', () => {
  it.each([
    ['PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n', { address: '192.0.2.1', reached: { port: 443, secure: false } }],
    ['PROXY TCP6 2001:db8::1 ::1 1 80\r\n', { address: '2001:db8::1', reached: { port: 80, secure: false } }],
    ['PROXY TCP6 2001:DB8:0::0001 ::1 1 80\r\n', { address: '2001:db8::1', reached: { port: 80, secure: false } }],
    ['PROXY TCP6 ::FFFF:192.0.2.1 ::1 1 80\r\n', { address: '192.0.2.1', reached: { port: 80, secure: false } }],
    ['PROXY TCP6 ::ffff:1:2:3 ::1 1 80\r\n', { address: '::ffff:1:2:3', reached: { port: 80, secure: false } }],
    ['PROXY UNKNOWN\r\n', undefined],
    ['PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n', undefined],
  ])('%j names whom the proxy speaks for, and no byte of it is lost or taken too much', (line, peer) => {
    expect(read(`${line}GET / HTTP/1.1\r\n`)).toEqual({ length: line.length, peer })
    for (let end = 1; end < line.length; end++) expect(read(line.slice(0, end))).toBe('undecided')
  })

  it.each([
    'PROXY TCP4 2001:db8::1 ::1 1 80\r\n',
    'PROXY TCP4 192.0.2.1 10.0.0.1 56324\r\n',
    'PROXY TCP4 192.0.2.1 10.0.0.1 56324 70000\r\n',
    'PROXY TCP4 192.0.2.1 10.0.0.1 56324 443 \r\n',
    'PROXY  TCP4 192.0.2.1 10.0.0.1 56324 443\r\n',
    'PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\n',
    'PROXY TCP4 192.0.2.01 10.0.0.1 56324 443\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 56324 443\r\n',
    'PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\nGET / HTTP/1.1\r\n',
    'PROXY UDP4 192.0.2.1 10.0.0.1 56324 443\r\n',
    `PROXY UNKNOWN ${'x'.repeat(200)}`,
  ])('%j is malformed', (line) => {
    expect(read(line)).toBe('malformed')
  })
})

describe('a PROXY header of version 2', () => {
  it.each([
    [
      { source: '192.0.2.1', port: 443 },
      { address: '192.0.2.1', reached: { port: 443, secure: false } },
    ],
    [
      { source: '192.0.2.1', port: 443, tls: true },
      { address: '192.0.2.1', reached: { port: 443, secure: true } },
    ],
    [
      { source: '192.0.2.1', port: 80, tls: false },
      { address: '192.0.2.1', reached: { port: 80, secure: false } },
    ],
    [
      { source: '2001:db8:0:0:0:0:0:1', port: 80 },
      { address: '2001:db8::1', reached: { port: 80, secure: false } },
    ],
    [
      { source: '0:0:0:0:0:ffff:c000:201', port: 80 },
      { address: '192.0.2.1', reached: { port: 80, secure: false } },
    ],
    [{ source: '192.0.2.1', port: 443, command: 0x20 }, undefined],
    [{ source: '192.0.2.1', port: 443, family: 0x00 }, undefined],
    [{ source: '192.0.2.1', port: 443, family: 0x12 }, undefined],
  ])('%j names whom the proxy speaks for, and no byte of it is lost or taken too much', (options, peer) => {
    const header = proxyHeader2(options)
    expect(readProxyHeader(Buffer.concat([header, Buffer.from('\x16\x03')]))).toEqual({ length: header.length, peer })
    for (let end = 1; end < header.length; end++) expect(readProxyHeader(header.subarray(0, end))).toBe('undecided')
  })

  it('of another version, with another command or too short for its addresses is malformed', () => {
    const header = proxyHeader2({ source: '192.0.2.1', port: 443 })
    for (const [at, byte] of [
      [12, 0x11],
      [12, 0x22],
      [13, 0x21],
    ] as const) {
      const changed = Buffer.from(header)
      changed[at] = byte
      expect(readProxyHeader(changed)).toBe('malformed')
    }
  })

  it('with values that end too early says nothing of TLS', () => {
    for (const values of ['\x20', '\x20\0\x05', '\x01\xff\xff\x20\0\x01\x01', '\x20\0\0']) {
      const header = proxyHeader2({ source: '192.0.2.1', port: 80, values: Buffer.from(values, 'latin1') })
      expect(readProxyHeader(header)).toMatchObject({ peer: { reached: { secure: false } } })
    }
  })
})

it.each(['GET / HTTP/1.1\r\n', '\x16\x03\x01', 'P0', '\r\nGET', 'proxy '])(
  '%j begins without a PROXY header',
  (begin) => {
    expect(read(begin)).toBe('absent')
  },
)
