import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { listenAt } from '../unix-socket.ts'

/** Milliseconds for a role to answer: a scrape must not hang because one of them does. */
const patience = 2_000

/** Sends `figures` as JSON to every client. */
export async function serveFigures(socketPath: string, figures: () => object): Promise<AsyncDisposable> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.end(JSON.stringify(figures()))
  })
  await listenAt(socketPath, server)
  return {
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

/** @throws when nobody is there, or what is there says nothing in time */
export async function askFigures<T>(socketPath: string): Promise<T> {
  const socket = connect(socketPath)
  socket.setTimeout(patience, () => socket.destroy(new Error(`no answer within ${patience} ms`)))
  return JSON.parse(await text(socket)) as T
}
