import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'

const limitBytes = 16 * 2 ** 20
const checkEveryMs = 10_000

/**
 * The server's log file, `server.log`: JSON lines of all roles. At 16 MiB it becomes
 * `server.log.1`, so both together stay near 32 MiB. It is copied and cut rather than renamed,
 * because the roles keep their descriptors (all in append mode) and may outlive the supervisor.
 */
export class ServerLog implements Disposable {
  readonly path: string
  readonly fd: number
  readonly #timer: NodeJS.Timeout

  constructor(path: string) {
    this.path = path
    this.fd = openSync(path, 'a', 0o600)
    this.#timer = setInterval(() => this.#rotate(), checkEveryMs).unref()
    this.#rotate()
  }

  /**
   * Writes one event in the form of the roles' logs (src/log.ts), without loading a logger into the
   * supervisor. What the disk does not take is lost: a log never ends the server.
   */
  write(role: string, msg: string, fields: object = {}): void {
    try {
      writeSync(this.fd, `${JSON.stringify({ level: 30, time: Date.now(), role, ...fields, msg })}\n`)
    } catch {
      return // the event is on the terminal too
    }
  }

  /** Where there is no room for the copy, the log is cut without one, which makes some. */
  #rotate(): void {
    try {
      if (fstatSync(this.fd).size < limitBytes) return
      this.#copy()
      ftruncateSync(this.fd)
    } catch {
      // The disk is read-only or failing; the rotation is tried again later.
      return
    }
  }

  #copy(): void {
    try {
      copyFileSync(this.path, `${this.path}.1`)
    } catch {
      rmSync(`${this.path}.1`, { force: true })
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    closeSync(this.fd)
  }
}
