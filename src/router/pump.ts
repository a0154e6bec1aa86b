import type { Socket } from 'node:net'

/**
 * One way between two sockets, with back-pressure: what `from` says, `to` gets, and when `from`
 * ends or closes, so does `to`.
 */
export function pump(from: Socket, to: Socket): void {
  from.on('data', (chunk) => {
    if (to.writable && !to.write(chunk)) from.pause()
  })
  follow(from, to)
}

/** All of `pump` but sending: `to` ends with `from`, which goes on when `to` has space again. */
export function follow(from: Socket, to: Socket): void {
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
  from.on('close', () => to.destroySoon())
  if (from.readableEnded) to.end()
  from.resume()
}
