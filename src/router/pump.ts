import type { Socket } from 'node:net'
import { owned, type ByteSource } from './loans.ts'

/**
 * One way between two sockets, with back-pressure: what `from` says, `to` gets, and when `from`
 * ends or closes, so does `to`.
 */
export function pump(from: Socket, to: Socket): void {
  from.on('data', (chunk) => sendTo(to, { chunk, source: owned, from }))
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

/** Pauses `from` while `to` is full. */
export function sendTo(to: Socket, { chunk, source, from }: { chunk: Buffer; source: ByteSource; from: Socket }): void {
  if (to.writable && !source.send(to, chunk) && to.writableLength > 0) from.pause()
}
