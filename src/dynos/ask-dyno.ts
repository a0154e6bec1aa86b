import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Dyno } from '../engine/engine.ts'

/**
 * What a web dyno did when it was asked: took no connection; ended it before an HTTP answer; gave
 * none in time; or answered with a status.
 */
export type DynoReply =
  | { kind: 'refused' }
  | { kind: 'broken' }
  | { kind: 'late' }
  | { kind: 'answered'; status: number }

/** Milliseconds for a connection to come about, and for an answer's body, which nobody reads. */
const connectTime = 1000
const bodyTime = 1000
/** Bytes; the router's limit too. */
const longestHead = 65_536

/** What it is asked: its health check, or `/` at the app's own host name. */
export function questionFor({ healthcheck, host, address = 'localhost' }: Dyno): URL {
  return new URL(healthcheck ?? `http://${host ?? address}/`)
}

/** Asks a web dyno from outside its container, once. `signal` ends the wait for its answer. */
export async function askDyno(dyno: Dyno, signal: AbortSignal): Promise<DynoReply> {
  const socket = await connectTo(dyno)
  if (!socket) return { kind: 'refused' }
  const { host, pathname, search } = questionFor(dyno)
  const { promise, resolve } = Promise.withResolvers<DynoReply>()
  const headers = { host, 'user-agent': 'paas-healthcheck', connection: 'close' }
  const path = `${pathname}${search}`
  const asking = request({ path, headers, createConnection: () => socket, maxHeaderSize: longestHead, signal })
  asking.on('response', (response) => {
    resolve({ kind: 'answered', status: response.statusCode ?? 0 })
    response.on('error', () => socket.destroy())
    response.resume()
    setTimeout(() => socket.destroy(), bodyTime).unref()
  })
  asking.on('error', (error: Error & { rawPacket?: Buffer }) => {
    if (error.rawPacket && speaksHttp2(error.rawPacket)) resolve({ kind: 'answered', status: 200 })
    resolve({ kind: signal.aborted ? 'late' : 'broken' })
  })
  asking.on('close', () => resolve({ kind: 'broken' }))
  asking.end()
  return promise
}

/** Its first word, whatever it is asked, are its settings: RFC 9113 section 3.4. */
function speaksHttp2(bytes: Buffer): boolean {
  return /^\0[^]{2}\x04\0{5}/.test(bytes.toString('latin1', 0, 9))
}

async function connectTo({ address, port }: Dyno): Promise<Socket | undefined> {
  if (address === undefined || port === undefined) return undefined
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host: address, port, timeout: connectTime })
  socket.on('connect', () => resolve(true))
  socket.on('timeout', () => resolve(false))
  socket.on('error', () => resolve(false))
  const isOpen = await promise
  socket.setTimeout(0)
  if (isOpen) return socket
  socket.destroy()
  return undefined
}
