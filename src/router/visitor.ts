import type { Socket } from 'node:net'
import type { Outbox } from './http/outbox.ts'
import type { Answer } from './router-error.ts'

/** What an exchange needs of the connection that the request came on. */
export interface Visitor {
  readonly address: string
  readonly scheme: 'http' | 'https'
  /** What is said about it to the app, as header lines. */
  readonly origin: string
  readonly outbox: Outbox
  /** All of the request's body has been received. */
  readonly requestComplete: boolean
  /** Milliseconds from now until `timedOut` is called. */
  expire(milliseconds: number): void
  /** Stops the body, until `proceed`. */
  hold(): void
  /** The body may go on. */
  proceed(): void
  answer(answer: Answer, requestId: string): void
  /** The response is complete. */
  finished(keepAlive: boolean): void
  /** Gives the socket and what came on it after the request away. */
  detach(): { socket: Socket; rest: Buffer }
}
