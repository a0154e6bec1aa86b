import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'

const limitBytes = 16 * 2 ** 20
const checkEveryMs = 10_000

/**
 * The server's log file, `server.log`: JSON lines of all roles. At 16 MiB it becomes `server.log.1`, so both together
 * stay near 32 MiB. It is copied and cut rather than renamed, because the roles keep their descriptors
 * (all in append mode) and may outlive the supervisor.
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
   * Writes one event in the form of the roles' logs (src/log.ts), without loading a logger into the supervisor. Where no
   * space is left on the disk the event is lost, since the server must not end of it.
   */
  write(role: string, msg: string, fields: object = {}): void {
    try {
      writeSync(this.fd, `${JSON.stringify({ level: 30, time: Date.now(), role, ...fields, msg })}\n`)
    } catch (cause) {
      if (!isFull(cause)) throw cause
    }
  }

  #rotate(): void {
    if (fstatSync(this.fd).size < limitBytes) return
    try {
      copyFileSync(this.path, `${this.path}.1`)
    } catch (cause) {
      if (!isFull(cause)) throw cause
      rmSync(`${this.path}.1`, { force: true })
    }
    ftruncateSync(this.fd)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    closeSync(this.fd)
  }
}

function isFull(cause: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '')
}
