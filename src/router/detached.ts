import type { Socket } from 'node:net'
import { Outbox } from './http/outbox.ts'
import type { Intake } from './intake.ts'
import { PlainSocket } from './plain-socket.ts'
import { readInto } from './reads.ts'
import type { VisitorSocket } from './visitor.ts'

/** For who passes bytes on as they are, and needs Node's streams for that. */
export function detached(outbox: Outbox<VisitorSocket>, intake: Intake): Outbox {
  if (!(outbox.socket instanceof PlainSocket)) return outbox as Outbox
  const stream = outbox.socket.intoStream()
  readInto(stream, intake.onread)
  intake.attach(stream)
  return new Outbox(stream)
}

export function streamOf(socket: VisitorSocket): Socket {
  return socket instanceof PlainSocket ? socket.intoStream() : (socket as Socket)
}
