import { once } from 'node:events'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import type { Logger } from '../log.ts'
import { encodeFrame } from '../model/frame.ts'
import type { Push, Pushes } from './pushes.ts'

/** The other end of a hook: its stdin, and what it writes to its stdout and stderr. */
export type HookWire = {
  input: Readable
  write(bytes: Buffer): void
  /** Writes to the person who pushes, as `remote: ` lines. Resolves when there is room for more. */
  show(text: string | Buffer): Promise<void>
  /** Aborted when the hook or the client is gone. */
  signal: AbortSignal
}

export type HookHandlers = Record<HookName, (push: Push, wire: HookWire) => Promise<void>>
type HookName = 'proc-receive' | 'post-receive'

export type HookServerDeps = { socket: string; pushes: Pushes; handlers: HookHandlers; log: Logger }

/** Bytes of the line a hook begins with, `NAME PID`. */
const longestGreeting = 64

/**
 * Listens for the hooks. Only this server's user reaches the socket, and only a hook whose parent
 * is a receive-pack of ours is answered. The frames of an answer: one byte (1 stdout, 2 stderr, 0
 * exit code), four bytes of length, the payload.
 */
export async function openHookServer(deps: HookServerDeps): Promise<AsyncDisposable> {
  await mkdir(dirname(deps.socket), { recursive: true, mode: 0o700 })
  await rm(deps.socket, { force: true })
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    serve(deps, socket).catch((cause: unknown) => {
      deps.log.error({ err: cause }, 'hook failed')
      finish(socket, 1)
    })
  })
  await listen(server, deps.socket)
  return {
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>()
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
      await promise
    },
  }
}

async function serve({ pushes, handlers }: HookServerDeps, socket: Socket): Promise<void> {
  const { name, pid } = await readGreeting(socket)
  const push = pid === undefined ? undefined : pushes.find(pid)
  if (!name || !push) {
    frame(socket, 2, 'paas: this hook does not belong to a running push.\n')
    return finish(socket, 1)
  }
  const hookGone = new AbortController()
  socket.once('close', () => hookGone.abort(new Error('the hook is gone')))
  const signal = AbortSignal.any([push.signal, hookGone.signal])
  const wire: HookWire = {
    input: socket,
    write: (bytes) => void frame(socket, 1, bytes),
    show: async (text) => {
      if (!frame(socket, 2, text)) await drained(socket, signal)
    },
    signal,
  }
  try {
    await handlers[name](push, wire)
    finish(socket, 0)
  } catch (cause) {
    // The client is gone: git and the hook must end.
    if (!signal.aborted) throw cause
    finish(socket, 1)
  }
}

async function readGreeting(socket: Socket): Promise<{ name?: HookName; pid?: number }> {
  let seen: Buffer = Buffer.alloc(0)
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    seen = Buffer.concat([seen, chunk])
    const end = seen.indexOf('\n')
    if (end < 0 && seen.length <= longestGreeting) continue
    const [, name, pid] = /^(proc-receive|post-receive) (\d{1,10})$/.exec(seen.toString('latin1', 0, end)) ?? []
    if (end + 1 < seen.length) socket.unshift(seen.subarray(end + 1))
    return name === undefined ? {} : { name: name as HookName, pid: Number(pid) }
  }
  return {}
}

function finish(socket: Socket, code: number): void {
  frame(socket, 0, Buffer.from([code]))
  socket.end()
  // No more input is read: the hook exits after the frame before this one.
  socket.resume()
}

/** False when the hook has not taken yet what was sent before. */
function frame(socket: Socket, kind: 0 | 1 | 2, payload: string | Buffer): boolean {
  if (socket.destroyed || socket.writableEnded) return true
  return socket.write(encodeFrame(kind, Buffer.from(payload)))
}

async function drained(socket: Socket, signal: AbortSignal): Promise<void> {
  if (socket.writableNeedDrain) await once(socket, 'drain', { signal })
}

async function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(path, resolve)
  await promise
  await chmod(path, 0o600)
}
