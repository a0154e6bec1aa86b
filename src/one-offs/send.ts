import type { Socket } from 'node:net'

/** Resolves when the bytes are with the kernel. Rejects when the connection is gone. */
export function send(socket: Socket, bytes: Buffer | string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}
