const hostName = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,253})$/
const hostWithPort = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{0,5}))?$/

/**
 * The host of a Host header: lower case, without port, without the root's dot.
 * @returns undefined when it is anything but a name or address with an optional port, which may be
 *   empty (RFC 3986 section 3.2.3): no user, no blank, no list
 */
export function parseHost(authority: string): string | undefined {
  if (authority !== last.authority) last = { authority, host: readHost(authority) }
  return last.host
}

/** Who asks once asks again. */
let last: { authority: string; host: string | undefined } = { authority: '', host: undefined }

function readHost(authority: string): string | undefined {
  const [, host, port] = hostWithPort.exec(authority) ?? []
  if (host === undefined || (port !== undefined && Number(port) > 65_535)) return undefined
  if (!host.startsWith('[') && !hostName.test(host)) return undefined
  const lower = host.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}
