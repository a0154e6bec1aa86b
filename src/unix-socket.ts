import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import type { Server } from 'node:net'

/**
 * Has the server listen at `path`, whose directory says who may come to it. A socket that a dead
 * process left there is replaced; the lock of the role makes sure that it is nobody's.
 * @throws what listening fails with (errno(3))
 */
export async function listenAt(path: string, server: Server): Promise<void> {
  await rm(path, { force: true })
  const listening = once(server, 'listening')
  server.listen(path)
  await listening
  await chmod(path, 0o660)
}
