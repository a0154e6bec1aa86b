import type { Duplex } from 'node:stream'

/**
 * One way between two sockets, with back-pressure: what `from` says, `to` gets, and when `from`
 * ends or closes, so does `to`.
 */
export function pump(from: Duplex, to: Duplex): void {
  from.on('data', (chunk) => {
    if (to.writable && !to.write(chunk)) from.pause()
  })
  follow(from, to)
}

/** All of `pump` but sending: `to` ends with `from`, which goes on when `to` has space again. */
export function follow(from: Duplex, to: Duplex): void {
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
  from.on('close', () => destroySoon(to))
  if (from.readableEnded) to.end()
  from.resume()
}

/** After what was written is sent. */
function destroySoon(stream: Duplex): void {
  if (stream.writable) stream.end()
  if (stream.writableFinished) stream.destroy()
  else stream.once('finish', () => stream.destroy())
}
