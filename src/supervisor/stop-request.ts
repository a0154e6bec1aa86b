/**
 * The signal that another server takes over: as SIGTERM, but its router keeps serving whatever
 * PAAS_HANDOVER is.
 */
export const takeOverSignal = 'SIGUSR2'

/** Seconds that a router serves at least for a server that takes over. */
const leastForTakeOver = 60

/**
 * A request to stop the server. SIGTERM, as of a restart, lets the router serve until the next
 * server takes over; Ctrl-C (SIGINT) and a terminal that is closed (SIGHUP) end all. npm passes on
 * the signal that the terminal has already sent, so the same one again changes nothing.
 */
export class StopRequest {
  readonly #asked = new AbortController()
  #endsAll = false
  #isTakeOver = false

  constructor() {
    process.on('SIGTERM', () => this.#asked.abort())
    process.on(takeOverSignal, () => {
      this.#isTakeOver = true
      this.#asked.abort()
    })
    for (const signal of ['SIGINT', 'SIGHUP']) {
      process.on(signal, () => {
        this.#endsAll = true
        this.#asked.abort()
      })
    }
  }

  get signal(): AbortSignal {
    return this.#asked.signal
  }

  /**
   * @param usual seconds of PAAS_HANDOVER
   * @returns seconds that the router keeps serving; 0: it stops too
   */
  handover(usual: number): number {
    if (this.#endsAll) return 0
    return this.#isTakeOver ? Math.max(usual, leastForTakeOver) : usual
  }
}
