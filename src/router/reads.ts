import { Socket } from 'node:net'
import type { Intake } from './intake.ts'

type Handle = { useUserBuffer?: (buffer: Buffer) => void }
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
export function readInto(socket: Socket, { buffer, callback }: Intake['onread']): boolean {
  const fields = socket as unknown as Private
  const handle = fields._handle
  if (kBuffer === undefined || kBufferCallback === undefined || kBufferGenerator === undefined) return false
  if (typeof handle?.useUserBuffer !== 'function') return false
  const first = buffer()
  fields[kBuffer] = first
  fields[kBufferCallback] = callback
  fields[kBufferGenerator] = buffer
  handle.useUserBuffer(first)
  return true
}

function fieldNamed(description: string): symbol | undefined {
  return fieldsOfSocket.find((symbol) => symbol.description === description)
}
