import type { Socket } from 'node:net'

/**
 * One way between two sockets, with back-pressure: what `from` says, `to` gets, and when `from`
 * ends or closes, so does `to`.
 * @param push sends a piece to `to`; without one it goes as it is
 */
export function pump(from: Socket, to: Socket, push: (data: Buffer) => void = (data) => sendTo(to, data, from)): void {
  from.on('data', push)
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
  from.on('close', () => to.destroySoon())
  if (from.readableEnded) to.end()
  from.resume()
}

/** Pauses `from` while `to` is full. */
export function sendTo(to: Socket, data: Buffer, from: Socket): void {
  if (to.writable && !to.write(data)) from.pause()
}
