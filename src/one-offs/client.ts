import type { TerminalSize } from '../engine/engine.ts'

/** What a client says while it is attached. Its end means that the client is gone. */
export type ClientEvent = { kind: 'input'; data: Buffer } | { kind: 'input-end' } | ({ kind: 'resize' } & TerminalSize)

/** Who is attached to a one-off dyno, whichever of the two protocols it speaks. */
export interface AttachedClient {
  /** Of its terminal as it is now; undefined: it has not said. */
  readonly size: TerminalSize | undefined
  events(): AsyncIterable<ClientEvent>
  started(): Promise<void>
  /** Resolves when there is room for more. Rejects when the client is gone. */
  output(stream: 'stdout' | 'stderr', data: Buffer): Promise<void>
  /** The last words. */
  exited(code: number): Promise<void>
  failed(message: string): Promise<void>
}
