import { describe, expect, it } from 'vitest'
import { Origins } from '../../src/router/origin.ts'

const proxies = ['10.0.0.0/8', '2001:db8:1::/48']
const publicUrl = 'https://paas.test'
const plain = { secure: false, port: 8080 }
const secure = { secure: true, port: 8443 }

/** Of a request with these fields from a trusted proxy at 10.0.0.1. */
function originSaid(lines: Record<string, string | string[]>, options = { trustedProxies: proxies, publicUrl }) {
  const origins = new Origins(options)
  const fields = Object.entries(lines).flatMap(([key, values]) =>
    [values].flat().map((value) => ({ key, value, line: '' })),
  )
  return origins.ofRequest(fields, origins.ofConnection({ address: '10.0.0.1' }, plain))
}

describe('the origin of what comes on a connection', () => {
  it('is the connection’s where nothing is said about what stands in front', () => {
    const origins = new Origins({ trustedProxies: [], publicUrl: undefined })
    expect(origins.ofConnection({ address: '192.0.2.1' }, plain)).toEqual({
      address: '192.0.2.1',
      scheme: 'http',
      port: 8080,
    })
    expect(origins.ofConnection({ address: '192.0.2.1' }, secure)).toMatchObject({ scheme: 'https', port: 8443 })
  })

  it('has the public URL’s scheme and port on the HTTP port, and its own on the TLS port', () => {
    const origins = new Origins({ trustedProxies: [], publicUrl })
    expect(origins.ofConnection({ address: '192.0.2.1' }, plain)).toMatchObject({ scheme: 'https', port: 443 })
    expect(origins.ofConnection({ address: '192.0.2.1' }, secure)).toMatchObject({ scheme: 'https', port: 8443 })
    const other = new Origins({ trustedProxies: [], publicUrl: 'http://paas.test:81' })
    expect(other.ofConnection({ address: '192.0.2.1' }, plain)).toMatchObject({ scheme: 'http', port: 81 })
  })

  it('has them for trusted proxies only, where these are named', () => {
    const origins = new Origins({ trustedProxies: proxies, publicUrl })
    for (const address of ['10.1.2.3', '2001:db8:1::9']) {
      expect(origins.ofConnection({ address }, plain)).toEqual({ address, scheme: 'https', port: 443 })
    }
    for (const address of ['192.0.2.1', '2001:db8:2::9', 'fe80::1%eth0']) {
      expect(origins.ofConnection({ address }, plain)).toEqual({ address, scheme: 'http', port: 8080 })
    }
  })

  it.each([
    [{ port: 443, secure: false }, 'https'],
    [{ port: 80, secure: false }, 'http'],
    [{ port: 8000, secure: false }, 'http'],
    [{ port: 8000, secure: true }, 'https'],
  ])('is what a PROXY header says: %j', (reached, scheme) => {
    const origins = new Origins({ trustedProxies: proxies, publicUrl })
    const address = '192.0.2.1'
    expect(origins.ofConnection({ address, reached }, plain)).toEqual({ address, scheme, port: reached.port })
    expect(origins.ofConnection({ address, reached }, secure)).toEqual({ address, scheme: 'https', port: reached.port })
  })
})

describe('the origin that a trusted proxy says', () => {
  it.each([
    ['nobody', undefined, '10.0.0.1'],
    ['its visitor', '192.0.2.1', '192.0.2.1'],
    ['what the visitor claimed before', '6.6.6.6, 192.0.2.1', '192.0.2.1'],
    ['other trusted proxies', '6.6.6.6, 192.0.2.1, 10.0.0.3,2001:db8:1::2', '192.0.2.1'],
    ['trusted proxies only', '10.0.0.4, 10.0.0.3', '10.0.0.4'],
    ['several fields', ['6.6.6.6', '192.0.2.1', '10.0.0.2'], '192.0.2.1'],
    ['a port', '192.0.2.1:4711', '192.0.2.1'],
    ['IPv6', '2001:db8:2::1', '2001:db8:2::1'],
    ['IPv6 with a port', '[2001:db8:2::1]:4711', '2001:db8:2::1'],
    ['IPv6 in another spelling', '2001:DB8:2:0::0001', '2001:db8:2::1'],
    ['IPv4 as IPv6', '::ffff:192.0.2.1', '192.0.2.1'],
    ['IPv4 as IPv6 in another spelling', '::FFFF:C000:0201', '192.0.2.1'],
    ['empty entries', '6.6.6.6, , 10.0.0.2', '10.0.0.2'],
    ['no address', '192.0.2.1, unknown, 10.0.0.2', '10.0.0.2'],
    ['garbage', '1.2.3.4\x7f', '10.0.0.1'],
    ['an interface', 'fe80::1%eth0', '10.0.0.1'],
  ])('with X-Forwarded-For of %s: its address', (_, value, address) => {
    expect(originSaid(value === undefined ? {} : { 'x-forwarded-for': value })).toMatchObject({ address })
  })

  it.each([
    [{}, 'https', 443],
    [{ 'x-forwarded-proto': 'http' }, 'http', 80],
    [{ 'x-forwarded-proto': 'http', 'x-forwarded-port': '81' }, 'http', 81],
    [{ 'x-forwarded-proto': 'HTTPS' }, 'https', 443],
    [{ 'x-forwarded-proto': ['http', 'https'] }, 'https', 443],
    [{ 'x-forwarded-proto': 'https, http' }, 'http', 80],
    [{ 'x-forwarded-proto': 'wss' }, 'https', 443],
    [{ 'x-forwarded-proto': 'ftp', 'x-forwarded-port': '0' }, 'https', 443],
    [{ 'x-forwarded-port': '99999' }, 'https', 443],
    [{ 'x-forwarded-port': '8443' }, 'https', 8443],
  ] as [Record<string, string | string[]>, string, number][])('%j: %s, port %i', (lines, scheme, port) => {
    expect(originSaid(lines)).toMatchObject({ scheme, port })
  })

  it('has the usual port of its scheme where the public URL has the other one', () => {
    const options = { trustedProxies: proxies, publicUrl: 'http://paas.test:8080' }
    expect(originSaid({ 'x-forwarded-proto': 'https' }, options)).toMatchObject({ scheme: 'https', port: 443 })
  })
})
