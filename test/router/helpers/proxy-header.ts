type Options = {
  /** Of IPv6, all eight groups. */
  source: string
  port: number
  /** Whether the visitor spoke TLS to the proxy; undefined: nothing is said about it. */
  tls?: boolean
  command?: number
  family?: number
  values?: Buffer
}

/** A PROXY header of version 2: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, section 2.2. */
export function proxyHeader2({ source, port, tls, ...options }: Options): Buffer {
  const address = source.includes(':')
    ? Buffer.from(source.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16)]))
    : Buffer.from(source.split('.').map(Number))
  const ports = Buffer.from([0xdc, 0x04, port >> 8, port])
  const said = tls === undefined ? Buffer.alloc(0) : Buffer.from([0x20, 0, 5, tls ? 1 : 0, 0, 0, 0, 0])
  const noop = Buffer.from([0x04, 0, 1, 0])
  const rest = Buffer.concat([address, address, ports, noop, said, options.values ?? Buffer.alloc(0)])
  const { command = 0x21, family = address.length === 4 ? 0x11 : 0x21 } = options
  const begin = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
  return Buffer.concat([begin, Buffer.from([command, family, rest.length >> 8, rest.length]), rest])
}
