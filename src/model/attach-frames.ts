import { encodeFrame, headLength } from './frame.ts'

/**
 * What `paas run` and the server say to each other once they are connected, in the frames of
 * `frame.ts`. Heroku's rendezvous has bytes only; this has besides them what a real terminal needs.
 */
export type ClientFrame =
  | { type: 'input'; data: Buffer }
  | { type: 'inputEnd' }
  | { type: 'resize'; columns: number; rows: number }
  | { type: 'heartbeat' }

export type ServerFrame =
  /** The process runs. */
  | { type: 'started' }
  | { type: 'stdout' | 'stderr'; data: Buffer }
  /** The process has ended; nothing follows. */
  | { type: 'exit'; code: number }
  /** The process did not start or is gone; nothing follows. */
  | { type: 'failure'; message: string }
  | { type: 'heartbeat' }

export type AttachFrame = ClientFrame | ServerFrame

/**
 * The `Upgrade` token (RFC 9110 section 7.8), and what follows the rendezvous token on the server's
 * own socket.
 */
export const attachProtocol = 'paas-attach'

/** How often either side says that it is there, milliseconds. */
export const heartbeatEvery = 30_000

/** Frame types by their number on the wire. */
const types = ['input', 'inputEnd', 'resize', 'heartbeat', 'started', 'stdout', 'stderr', 'exit', 'failure'] as const

const longestPayload = 2 ** 20
const nothing = Buffer.alloc(0)

export function encodeAttachFrame(frame: AttachFrame): Buffer {
  return encodeFrame(types.indexOf(frame.type), payloadOf(frame))
}

/** The frames of a stream of bytes. @throws for invalid bytes, so that the connection ends */
export async function* decodeFrames(source: AsyncIterable<unknown>): AsyncGenerator<AttachFrame> {
  let pending: Buffer = nothing
  for await (const chunk of source) {
    pending = pending.length === 0 ? (chunk as Buffer) : Buffer.concat([pending, chunk as Buffer])
    while (pending.length >= headLength) {
      const length = pending.readUInt32BE(1)
      if (length > longestPayload) throw new Error(`a frame of ${length} bytes; the limit is ${longestPayload}`)
      const end = headLength + length
      if (pending.length < end) break
      yield parseFrame(pending.readUInt8(), pending.subarray(headLength, end))
      pending = pending.subarray(end)
    }
  }
}

/** Larger sizes are refused. */
const mostCells = 10_000

/** `80x24` */
export function parseSize(text: string): { columns: number; rows: number } | undefined {
  const [columns = 0, rows = 0] = /^\d{1,5}x\d{1,5}$/.test(text) ? text.split('x').map(Number) : []
  return columns > 0 && rows > 0 && columns <= mostCells && rows <= mostCells ? { columns, rows } : undefined
}

function payloadOf(frame: AttachFrame): Buffer {
  switch (frame.type) {
    case 'input':
    case 'stdout':
    case 'stderr':
      return frame.data
    case 'resize':
      return Buffer.from(`${frame.columns}x${frame.rows}`)
    case 'exit':
      return Buffer.from(String(frame.code))
    case 'failure':
      return Buffer.from(frame.message)
    case 'inputEnd':
    case 'started':
    case 'heartbeat':
      return nothing
  }
}

/** @throws for invalid input */
function parseFrame(number: number, payload: Buffer): AttachFrame {
  const type = types[number]
  if (type === undefined) throw new Error(`a frame of the unknown type ${number}`)
  switch (type) {
    case 'input':
    case 'stdout':
    case 'stderr':
      return { type, data: payload }
    case 'resize': {
      const size = parseSize(payload.toString())
      if (!size) throw new Error('an invalid terminal size')
      return { type, ...size }
    }
    case 'exit':
      return { type, code: Number(payload.toString()) }
    case 'failure':
      return { type, message: payload.toString() }
    case 'inputEnd':
    case 'started':
    case 'heartbeat':
      return { type }
  }
}
