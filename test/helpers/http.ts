import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'

export type Answer = { status: number; headers: IncomingHttpHeaders; body: string }

type RequestOptions = {
  port: number
  host: string
  path?: string
  method?: string
  headers?: Record<string, string>
  body?: string
  /** Where to connect to; the server on loopback if not given. */
  address?: string
}

/**
 * One request to a server on loopback under any host name (Node resolves no *.localhost), on a connection of its own.
 * Rejects when the connection fails or is cut.
 */
export function request({
  port,
  host,
  path = '/',
  method = 'GET',
  headers = {},
  body,
  address = '127.0.0.1',
}: RequestOptions): Promise<Answer> {
  return new Promise((settle, fail) => {
    const outgoing = httpRequest(
      { port, host: address, path, method, agent: false, headers: { host, ...headers } },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', fail)
        incoming.on('end', () => {
          settle({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
          })
        })
      },
    )
    outgoing.on('error', fail)
    outgoing.end(body)
  })
}
