import { callIfThere } from './client.ts'
import type { Call, Results } from './protocol.ts'

/** The other processes of a router, which its first one tells what it is told. */
export class Others {
  readonly #sockets: string[]

  constructor(sockets: string[]) {
    this.#sockets = sockets
  }

  /**
   * Asks all at once. One that is not there, or ends before it answers, is left out: what replaces
   * it begins with the table that is in force then.
   * @throws router_unavailable when one that is there does not answer
   */
  async ask<C extends Call>(call: C): Promise<Results[C['call']][]> {
    const answers = await Promise.all(this.#sockets.map((socket) => callIfThere(socket, call, 'may end')))
    return answers.filter((answer) => answer !== undefined)
  }
}
