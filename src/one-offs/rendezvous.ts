import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { TerminalSize } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import { listenAt } from '../unix-socket.ts'
import { attachProtocol, encodeAttachFrame, parseSize } from '../model/attach-frames.ts'
import type { OneOff } from '../model/one-off.ts'
import type { Store } from '../store/store.ts'
import type { AttachedClient } from './client.ts'
import { framedClient } from './framed-client.ts'
import type { OneOffs } from './one-offs.ts'
import { greetRawClient } from './raw-client.ts'

export type RendezvousDeps = {
  /** Of the Unix socket. */
  path: string
  store: Pick<Store, 'oneOffs'>
  oneOffs: Pick<OneOffs, 'attach'>
  log: Logger
}

/** Milliseconds: for the first line, and without a byte either way after it (Heroku's hour). */
const limits = { firstLine: 5_000, idle: 3_600_000 }
/** Connections that have not said their token; beyond that the oldest has to go. */
const mostStrangers = 256
const longestLine = 256

/**
 * Where clients meet their one-off dynos: the first line is a token, which is good once, and says
 * by what follows it which protocol is spoken then. Nothing else is ever read from somebody without
 * one.
 */
export async function serveRendezvous(deps: RendezvousDeps): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>()
  const strangers = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    strangers.add(socket)
    socket.on('error', (error) => deps.log.debug({ error: error.message }, 'a rendezvous connection broke'))
    socket.once('close', () => void (sockets.delete(socket), strangers.delete(socket)))
    if (strangers.size > mostStrangers) strangers.values().next().value?.destroy()
    void meet(deps, socket, () => strangers.delete(socket))
  })
  await listenAt(deps.path, server)
  return {
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

async function meet(deps: RendezvousDeps, socket: Socket, known: () => void): Promise<void> {
  try {
    const line = await firstLine(socket)
    const [, token = '', framed, size = ''] = pattern.exec(line) ?? []
    const oneOff = deps.store.oneOffs.redeem(token)
    known()
    socket.setTimeout(limits.idle, () => socket.destroy())
    if (oneOff)
      await deps.oneOffs.attach(oneOff, await clientOf(socket, oneOff, framed === undefined ? 'raw' : parseSize(size)))
    else if (framed !== undefined) refuse(socket)
  } catch (error) {
    deps.log.debug({ err: error }, 'no rendezvous')
  } finally {
    socket.destroySoon()
  }
}

const pattern = new RegExp(`^([\\w-]{32,128})( ${attachProtocol}(?: (\\d+x\\d+))?)?$`)

async function clientOf(
  socket: Socket,
  oneOff: OneOff,
  spoken: 'raw' | TerminalSize | undefined,
): Promise<AttachedClient> {
  if (spoken === 'raw') return greetRawClient(socket, socket, oneOff)
  return framedClient(socket, socket, spoken)
}

/** A stranger who speaks Heroku's protocol is told nothing: it has no words for it. */
function refuse(socket: Socket): void {
  const message = 'There is no such session: its token was already used, or is older than a minute.'
  socket.write(encodeAttachFrame({ type: 'failure', message }))
}

/**
 * Without its end; what follows it is left in the socket.
 * @throws when it does not come, or is too long
 */
function firstLine(socket: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const timer = setTimeout(() => reject(new Error('the first line did not come in time')), limits.firstLine)
  let pending = Buffer.alloc(0)
  const take = (chunk: Buffer): void => {
    pending = Buffer.concat([pending, chunk])
    const end = pending.indexOf('\n')
    if (end < 0 && pending.length > longestLine) return reject(new Error('the first line is too long'))
    if (end < 0) return
    socket.off('data', take)
    socket.pause()
    if (end + 1 < pending.length) socket.unshift(pending.subarray(end + 1))
    resolve(pending.toString('latin1', 0, end).replace(/\r$/, ''))
  }
  socket.on('data', take)
  socket.once('close', () => reject(new Error('the connection ended before the first line')))
  return promise.finally(() => clearTimeout(timer))
}
