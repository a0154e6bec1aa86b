import { Socket } from 'node:net'
import type { Intake } from './intake.ts'
import { PlainSocket } from './plain-socket.ts'
import { streamWrap } from './stream-wrap.ts'
import type { VisitorSocket } from './visitor.ts'

type OnRead = (this: Handle, bytes: unknown) => unknown
type Handle = { useUserBuffer?: (buffer: Buffer) => void; onread?: OnRead }
type Private = Record<symbol, unknown> & { _handle?: Handle | null }

const fieldsOfSocket = Object.getOwnPropertySymbols(new Socket())
const kBuffer = fieldNamed('kBuffer')
const kBufferCallback = fieldNamed('kBufferCb')
const kBufferGenerator = fieldNamed('kBufferGen')

/**
 * Has a socket that a server accepted read as `onread` says. Node has that option only for sockets
 * that connect, so this sets what the option sets; decision 89.
 * @returns false where this Node keeps it elsewhere: the socket reads as sockets usually do
 */
export function readInto(socket: VisitorSocket, { buffer, callback }: Intake['onread']): boolean {
  const fields = socket as unknown as Private
  const handle = fields._handle
  if (socket instanceof PlainSocket) return readPlainly(socket, { buffer, callback })
  if (kBuffer === undefined || kBufferCallback === undefined || kBufferGenerator === undefined) return false
  if (typeof handle?.useUserBuffer !== 'function') return false
  const first = buffer()
  fields[kBuffer] = first
  fields[kBufferCallback] = callback
  fields[kBufferGenerator] = buffer
  handle.useUserBuffer(first)
  readDirectly(socket, { buffer, callback })
  return true
}

function readPlainly(socket: PlainSocket, onread: Intake['onread']): boolean {
  const handle = socket._handle as Handle | null
  handle?.useUserBuffer?.(onread.buffer())
  readDirectly(socket, onread)
  socket.resume()
  return true
}

/**
 * Calls back for what was read without the steps of Node's streams in between, which do nothing for
 * a socket that reads into buffers of ours; they get what is no data. Decision 155.
 */
export function readDirectly(socket: VisitorSocket, { buffer, callback }: Intake['onread']): void {
  const handle = (socket as unknown as Private)._handle
  const usual = handle?.onread
  if (streamWrap === undefined || handle == null || usual === undefined) return
  const { streamBaseState: state, kReadBytesOrError } = streamWrap
  let current = buffer()
  handle.onread = function (bytes) {
    const size = state[kReadBytesOrError]!
    if (size <= 0 || socket.destroyed) return usual.call(this, bytes)
    callback(size)
    const next = buffer()
    return next === current ? undefined : (current = next)
  }
}

function fieldNamed(description: string): symbol | undefined {
  return fieldsOfSocket.find((symbol) => symbol.description === description)
}
