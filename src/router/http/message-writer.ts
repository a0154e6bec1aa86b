import type { ByteSource } from '../loans.ts'
import type { Field } from './fields.ts'
import type { Framing } from './framing.ts'

/** Takes one message after the other; what it takes is sent by `flush` or `flushSoon`. */
export interface MessageWriter {
  /** Nothing more should be sent until there is space. */
  readonly full: boolean
  /** Nothing that was written waits in this process. */
  readonly sent: boolean
  /** @param head as HTTP/1.1 has it, latin1, down to the empty line; what follows is body */
  text(head: string): void
  body(framing: Framing, data: Buffer, source: ByteSource): void
  bodyEnd(framing: Framing, trailers: Field[]): void
  flush(): void
  /** At the end of this turn of the event loop at the latest. */
  flushSoon(): void
}
