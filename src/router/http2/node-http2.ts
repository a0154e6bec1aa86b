import type * as Http2 from 'node:http2'

let loaded: typeof Http2 | undefined

/** Loaded with the first visitor who speaks HTTP/2: it takes 5 MiB. */
export function http2(): typeof Http2 {
  return (loaded ??= process.getBuiltinModule('node:http2'))
}
