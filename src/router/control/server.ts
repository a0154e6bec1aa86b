import { createServer, type Socket } from 'node:net'
import { asPaasError, PaasError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { listenAt } from '../../unix-socket.ts'
import { isCall, longestCall, type Call, type ControlReply } from './protocol.ts'

export type ControlServerDeps = {
  socketPath: string
  log: Logger
  answer: (call: Call) => Promise<unknown>
}

export type ControlServer = {
  /** Frees the path at once; calls in progress are still answered. */
  close(): void
  /** Breaks off the calls in progress. */
  destroy(): void
}

/** Serves calls on a Unix socket. */
export async function serveControl({ socketPath, log, answer }: ControlServerDeps): Promise<ControlServer> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', (error) => log.debug({ err: error }, 'control connection broke'))
    void serve(socket, { log, answer })
  })
  await listenAt(socketPath, server)
  return {
    close: () => void server.close(),
    destroy: () => sockets.forEach((socket) => socket.destroy()),
  }
}

async function serve(socket: Socket, { log, answer }: Pick<ControlServerDeps, 'log' | 'answer'>): Promise<void> {
  let reply: ControlReply
  try {
    const call = await readCall(socket)
    if (call === undefined) return void socket.end()
    reply = { result: await answer(call) }
  } catch (thrown) {
    const { code, message } = asPaasError(thrown)
    log.error({ err: thrown, code }, 'control call failed')
    reply = { error: { code, message } }
  }
  socket.end(JSON.stringify(reply))
}

/** @returns undefined when the caller only looked whether anybody is here */
async function readCall(socket: Socket): Promise<Call | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > longestCall)
      throw new PaasError('bad_request', `A call to the router is longer than ${longestCall} bytes.`)
    if (chunk.at(-1) === 0x0a) break
  }
  if (size === 0) return undefined
  const call = parse(Buffer.concat(chunks).toString())
  if (!isCall(call)) throw new PaasError('bad_request', 'The router does not know this call.')
  return call
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON; the caller reports that it is no call
  }
}
