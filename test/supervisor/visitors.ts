import { request } from 'node:http'

/** Milliseconds of a visitor between two requests. */
const pause = 5

/** Whoever asks a server again and again, each time on a connection of its own. */
export class Visitors {
  readonly #port: number
  readonly lanes: number
  readonly #lanes: Promise<void>[]
  #stopped = false
  answered = 0
  /** Why the others got no answer, by Node's code. */
  readonly failures: string[] = []

  constructor(port: number, lanes = 3) {
    this.#port = port
    this.lanes = lanes
    this.#lanes = Array.from({ length: lanes }, () => this.#ask())
  }

  async #ask(): Promise<void> {
    while (!this.#stopped) {
      const failure = await this.#askOnce()
      if (failure === undefined) this.answered++
      else this.failures.push(failure)
    }
  }

  #askOnce(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const fail = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message)
      const outgoing = request({ port: this.#port, host: '127.0.0.1', agent: false, headers: { host: 'app.test' } })
      outgoing.on('error', fail)
      outgoing.on('response', (response) => {
        response.on('error', fail).on('end', () => setTimeout(() => resolve(undefined), pause))
        response.resume()
      })
      outgoing.end()
    })
  }

  /** Resolves when `count` more have been answered. */
  async more(count: number): Promise<void> {
    const enough = this.answered + count
    while (this.answered < enough && !this.#stopped) await new Promise((wake) => setTimeout(wake, 5))
  }

  /** Resolves when the last one has its answer. */
  async stop(): Promise<this> {
    this.#stopped = true
    await Promise.all(this.#lanes)
    return this
  }
}
