/** The longest token, with its CRLF, in bytes. */
const longest = 130
const token = /^[\w-]{32,128}\r\n/
const beginOfToken = /^[\w-]{0,128}\r?$/

/**
 * What a connection's first bytes are: an HTTP request, or a line with nothing but a rendezvous
 * token, as clients of attached one-off dynos send it (Heroku's CLI does, without SNI and ALPN). No
 * request line is without a space.
 */
export function readFirstLine(bytes: Buffer): 'http' | 'token' | 'undecided' {
  const begin = bytes.toString('latin1', 0, longest)
  if (token.test(begin)) return 'token'
  return beginOfToken.test(begin) ? 'undecided' : 'http'
}
