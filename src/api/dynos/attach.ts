import { connect, type Socket } from 'node:net'
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream'
import type { Config } from '../../config.ts'
import type { Logger } from '../../log.ts'
import { attachProtocol, parseSize } from '../../model/attach-frames.ts'
import type { Api } from '../deps.ts'

type Deps = { config: { paths: Pick<Config['paths'], 'rendezvousSocket'> }; log: Logger }

/** Where `paas run` comes to, over the same port as everything else. */
const attachPath = '/attach'

/** Attached at once, and on their way to the worker; as many as the router takes for it. */
const most = 500

/**
 * Whether a request asks for it; other upgrades are answered as if they asked for none (RFC 9110
 * section 7.8).
 */
export function isAttach({ url, headers }: IncomingMessage): boolean {
  return url === attachPath && headers.upgrade === attachProtocol
}

/**
 * Connects the client of a one-off dyno with the worker, which runs it: the token of its
 * `attach_url` is the only thing that counts, and the worker knows whether it is good. What follows
 * the 101 are frames both ways.
 */
export function attachRoute(api: Api, { config, log }: Deps): void {
  const open = new Set<Socket>()
  api.server.on('upgrade', (request: IncomingMessage, client: Socket, head: Buffer) => {
    if (!isAttach(request)) return
    open.add(client)
    client.once('close', () => open.delete(client))
    client.on('error', (error) => log.debug({ error: error.message }, 'an attached client broke off'))
    const token = /^bearer ([\w-]{32,128})$/i.exec(request.headers.authorization ?? '')?.[1]
    const size = String(request.headers['terminal-size'] ?? '')
    if (token === undefined) return refuse(client, '401 Unauthorized')
    if (open.size > most) return refuse(client, '503 Service Unavailable')
    join(client, { path: config.paths.rendezvousSocket, token, size: parseSize(size) ? size : '', head })
  })
  api.addHook('preClose', async () => {
    for (const client of open) client.destroy()
  })
}

type Meeting = { path: string; token: string; size: string; head: Buffer }

function join(client: Socket, { path, token, size, head }: Meeting): void {
  const worker = connect(path)
  worker.once('connect', () => {
    client.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${attachProtocol}\r\n\r\n`)
    worker.write(`${token} ${attachProtocol}${size === '' ? '' : ` ${size}`}\r\n`)
    worker.write(head)
    pipeline(client, worker, client, () => undefined)
  })
  // For errors before the connection is made; after that the pipeline handles both streams.
  worker.once('error', () => refuse(client, '503 Service Unavailable'))
}

function refuse(client: Socket, status: string): void {
  if (client.writable) client.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
