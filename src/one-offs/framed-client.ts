import type { Socket } from 'node:net'
import type { TerminalSize } from '../engine/engine.ts'
import { decodeFrames, encodeAttachFrame, heartbeatEvery, type ServerFrame } from '../model/attach-frames.ts'
import type { AttachedClient, ClientEvent } from './client.ts'
import { send } from './send.ts'

/** A `paas run`: both outputs apart, the terminal's size as it changes, and the exit code. */
export function framedClient(
  socket: Socket,
  source: AsyncIterable<Buffer>,
  size: TerminalSize | undefined,
): AttachedClient {
  const say = (frame: ServerFrame): Promise<void> => send(socket, encodeAttachFrame(frame))
  // A client that has gone is noticed when its connection ends.
  const timer = setInterval(() => void say({ type: 'heartbeat' }).catch(() => undefined), heartbeatEvery)
  socket.once('close', () => clearInterval(timer))
  return {
    size,
    events: () => eventsOf(source),
    started: () => say({ type: 'started' }),
    output: (stream, data) => say({ type: stream, data }),
    exited: (code) => say({ type: 'exit', code }),
    failed: (message) => say({ type: 'failure', message }),
  }
}

async function* eventsOf(source: AsyncIterable<Buffer>): AsyncGenerator<ClientEvent> {
  for await (const frame of decodeFrames(source)) {
    if (frame.type === 'input') yield { kind: 'input', data: frame.data }
    else if (frame.type === 'inputEnd') yield { kind: 'input-end' }
    else if (frame.type === 'resize') yield { kind: 'resize', columns: frame.columns, rows: frame.rows }
    else if (frame.type !== 'heartbeat') throw new Error(`a client that says ${frame.type}`)
  }
}
