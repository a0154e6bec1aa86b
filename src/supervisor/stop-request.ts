/**
 * That the server is to end. SIGTERM, as of a restart, lets the router serve until the next server takes over; Ctrl-C (SIGINT) and a terminal that is
 * closed (SIGHUP) end all. npm passes on the signal that the terminal has already sent, so the same one again changes nothing.
 */
export class StopRequest {
  readonly #asked = new AbortController()
  /** The router ends too. */
  endsAll = false

  constructor() {
    const endAll = (): void => {
      this.endsAll = true
      this.#asked.abort()
    }
    process.on('SIGTERM', () => this.#asked.abort())
    process.on('SIGINT', endAll)
    process.on('SIGHUP', endAll)
  }

  get signal(): AbortSignal {
    return this.#asked.signal
  }
}
