import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { AppId } from '../model/ids.ts'
import type { Intake } from './intake.ts'
import type { Caller } from './caller.ts'
import type { MessageWriter } from './http/message-writer.ts'
import type { Outbox } from './http/outbox.ts'
import type { Peer } from './origin.ts'
import type { Answer } from './router-error.ts'
import type { WritableEnd } from './writes.ts'

/**
 * How a connection came about, and at which port of ours. `sni`: the host that its client named in
 * the handshake.
 */
export type Arrival = { peer: Peer; port: number; secure?: Secure }
/** What of `net.Socket` a visitor's connection needs. */
export interface VisitorSocket extends WritableEnd {
  readonly remoteAddress?: string | undefined
  pause(): unknown
  resume(): unknown
  end(done?: () => void): unknown
  /** When what was written is sent. */
  destroySoon(): void
}
type Secure = { sni: string | undefined; rendezvous: Rendezvous }

/** Takes connections that do not speak HTTP, with what has come on them. */
export type Rendezvous = (socket: Socket, begin: Buffer) => void

/** What an exchange needs of the connection, or the stream of one, that the request came on. */
export interface Visitor {
  readonly caller: Caller
  readonly outbox: MessageWriter
  /** That it counts for, among the connections of apps. */
  app: AppId | undefined
  /** All of the request's body has been received. */
  readonly requestComplete: boolean
  /** Milliseconds from now until `timedOut` is called. */
  expire(milliseconds: number): void
  /** Reads nothing further, until `proceed`. */
  hold(): void
  /** The body may continue. */
  proceed(): void
  answer(answer: Answer, requestId: string): void
  /** The response is complete. */
  finished(keepAlive: boolean): void
  /** The response remains incomplete, and its client is to see that. */
  breakOff(): void
  /** Returns the socket and what came on it after the request away. */
  detach(): { outbox: Outbox<Duplex>; intake: Intake; rest: Buffer }
}
