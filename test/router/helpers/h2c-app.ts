import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2'
import { listen } from './apps.ts'

/** `sessions`: how many connections it had. */
export type H2cApp = AsyncDisposable & { port: number; server: Http2Server; sessions: number }

/** A server of HTTP/2 in the clear. */
export async function startH2cApp(
  serve: (stream: ServerHttp2Stream, head: IncomingHttpHeaders) => void,
  options: ServerOptions = {},
): Promise<H2cApp> {
  const server = createServer(options)
  const sessions = new Set<{ destroy(): void }>()
  const app = { server, sessions: 0, port: 0, [Symbol.asyncDispose]: close }
  server.on('session', (session) => {
    app.sessions++
    sessions.add(session)
  })
  server.on('stream', (stream, head) => {
    stream.on('error', () => stream.destroy())
    serve(stream, head)
  })
  app.port = await listen(server as never)
  return app

  async function close(): Promise<void> {
    for (const session of sessions) session.destroy()
    server.close()
  }
}
