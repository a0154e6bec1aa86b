import type { ClientHttp2Session } from 'node:http2'

/** Requests at once on one connection, where the app allows as many. */
export const mostStreams = 100
/** Milliseconds without a byte, after which who gives up has the connection looked at. */
const silence = 100

/** One connection to an app that speaks HTTP/2, with the requests that are on it or wait for it. */
export class AppSession {
  readonly session: ClientHttp2Session
  /** The app has said how many requests it takes at once: RFC 9113 section 3.4, its first frame. */
  isSettled = false
  #streams = 0
  #heardAt = 0
  #isDoubted = false

  constructor(session: ClientHttp2Session) {
    this.session = session
    session.on('remoteSettings', () => (this.isSettled = true))
  }

  /** How many requests the app takes at once. */
  get most(): number {
    // What it may say for a moment, 0, would have others open connections without end.
    return Math.max(1, Math.min(this.session.remoteSettings.maxConcurrentStreams ?? mostStreams, mostStreams))
  }

  /** @param expected how many it takes if it has not said so */
  mayTakeOneMore(expected: number): boolean {
    if (this.#isDoubted || this.session.closed || this.session.destroyed) return false
    return this.#streams < (this.isSettled ? this.most : expected)
  }

  /** More wait for it than the app takes. */
  get isOverfull(): boolean {
    return this.#streams > this.most
  }

  enter(): void {
    this.#streams++
  }

  leave(): void {
    this.#streams--
  }

  /** Something came. */
  heard(): void {
    this.#heardAt = performance.now()
  }

  /**
   * A request of that time is given up. If nothing has come since, others go elsewhere until the
   * app answers a ping: its end may be gone without a word.
   */
  doubt(since: number): void {
    if (this.#isDoubted || this.session.destroyed || this.#heardAt > since) return
    if (performance.now() < since + silence) return
    this.#isDoubted = true
    this.session.ping(() => (this.#isDoubted = false))
  }
}
