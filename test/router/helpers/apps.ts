import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener, type Server as HttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'

export type TestApp = AsyncDisposable & { port: number; server: HttpServer }

/** A real Node app on a free port of 127.0.0.1. */
export async function startApp(listener: RequestListener): Promise<TestApp> {
  const server = createHttpServer(listener)
  const port = await listen(server)
  return {
    port,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

export type RawApp = AsyncDisposable & { port: number; sockets: Socket[] }

/** An app that says whatever bytes it likes; `onRequest` is called for each piece that arrives. */
export async function startRawApp(onData: (socket: Socket, data: string) => void): Promise<RawApp> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', (data) => onData(socket, data.toString('latin1')))
  })
  const port = await listen(server)
  return {
    port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** On a free port of 127.0.0.1, which it returns. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

/**
 * A port that refuses connections for as long as a test wants: no other test is ever given it, as it
 * could be one that was free a moment ago. It is tcpmux's (RFC 1078), which no system starts.
 */
export const refusingPort = 1
