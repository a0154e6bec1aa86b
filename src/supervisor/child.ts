import { setTimeout as sleep } from 'node:timers/promises'
import { untilSilent, type Heartbeat } from './heartbeat.ts'

/** A process that we started. */
export type Running = {
  pid: number
  /**
   * Resolves when it serves; rejects when it reports why it cannot. Stays pending when it exits
   * without a word.
   */
  ready: Promise<void>
  /** Resolves with how it ended: `exited with code 1`, `was killed by SIGKILL`. */
  ended: Promise<string>
  /** Absent for a process that has no heartbeat. */
  heartbeat?: Heartbeat
  signal(name: NodeJS.Signals): void
  /** Lets it keep running after this process. */
  release(): void
}

export type ChildSpec = {
  name: string
  start(): Promise<Running>
  /** Milliseconds that its start may take. */
  readyMs: number
  /** Milliseconds without a heartbeat, once it serves, after which it is killed. */
  silentMs: number
  /** Milliseconds between SIGTERM and SIGKILL. */
  stopMs: number
  /** Its start is not interrupted by a stop. */
  startsWhole?: boolean
  /** Pauses between two starts, milliseconds: they double from the shortest to the longest. */
  pauses?: { shortest: number; longest: number }
  /** Instead of SIGTERM and SIGKILL. */
  stop?: (running: Running) => Promise<void>
}

export type ChildReport = (child: string, event: ChildEvent) => void
export type ChildEvent =
  | { kind: 'ready'; pid: number }
  | { kind: 'hung'; pid: number; silentMs: number }
  | { kind: 'ended'; reason: string; pauseMs: number }
  | { kind: 'not ready'; cause: unknown; pauseMs: number }

const usualPauses = { shortest: 100, longest: 10_000 }
/**
 * A process that ran this long starts again after the shortest pause: its failures do not add up.
 */
const steadyMs = 10_000

/**
 * One child process, started again for as long as the server runs. The pauses between starts double
 * up to a limit.
 */
export class Child implements AsyncDisposable {
  readonly #spec: ChildSpec
  readonly #report: ChildReport
  readonly #stopping = new AbortController()
  readonly #life: Promise<void>
  #running: Running
  readonly #pauses: { shortest: number; longest: number }
  #pauseMs: number

  private constructor(spec: ChildSpec, report: ChildReport, running: Running) {
    this.#spec = spec
    this.#report = report
    this.#running = running
    this.#pauses = spec.pauses ?? usualPauses
    this.#pauseMs = this.#pauses.shortest
    this.#life = this.#keepRunning()
  }

  /** Resolves when the child serves. @throws what kept it from serving, after stopping it */
  static async start(spec: ChildSpec, report: ChildReport, signal: AbortSignal): Promise<Child> {
    const running = await startReady(spec, signal)
    report(spec.name, { kind: 'ready', pid: running.pid })
    return new Child(spec, report, running)
  }

  async #keepRunning(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const startedAt = performance.now()
      const reason = await this.#untilEnd()
      if (this.#stopping.signal.aborted) return
      if (performance.now() - startedAt > steadyMs) this.#pauseMs = this.#pauses.shortest
      this.#report(this.#spec.name, { kind: 'ended', reason, pauseMs: this.#pauseMs })
      await this.#startAgain(this.#stopping.signal)
    }
  }

  /**
   * Kills a process that hangs: one that is stopped, or loops, does not react to SIGTERM.
   */
  async #untilEnd(): Promise<string> {
    const { heartbeat, ended, pid } = this.#running
    const over = new AbortController()
    const endHung = (): void => {
      this.#report(this.#spec.name, { kind: 'hung', pid, silentMs: this.#spec.silentMs })
      this.#running.signal('SIGKILL')
    }
    const signal = AbortSignal.any([over.signal, this.#stopping.signal])
    if (heartbeat) untilSilent(heartbeat, this.#spec.silentMs, signal).then(endHung, () => undefined)
    const stopped = aborted(this.#stopping.signal).catch(() => 'is stopped')
    return Promise.race([ended, stopped]).finally(() => over.abort())
  }

  async #startAgain(signal: AbortSignal): Promise<void> {
    for (;;) {
      const pauseMs = this.#pauseMs
      this.#pauseMs = Math.min(pauseMs * 2, this.#pauses.longest)
      try {
        await sleep(pauseMs, undefined, { signal })
        this.#running = await startReady(this.#spec, signal)
        this.#report(this.#spec.name, { kind: 'ready', pid: this.#running.pid })
        return
      } catch (cause) {
        if (signal.aborted) return
        this.#report(this.#spec.name, { kind: 'not ready', cause, pauseMs: this.#pauseMs })
      }
    }
  }

  /** Resolves when the process has exited, or no longer needs this one. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#life
    await (this.#spec.stop?.(this.#running) ?? terminate(this.#running, this.#spec.stopMs))
  }
}

async function startReady(spec: ChildSpec, signal: AbortSignal): Promise<Running> {
  signal.throwIfAborted()
  const running = await spec.start()
  const deadline = new AbortController()
  try {
    await Promise.race([
      running.ready,
      running.ended.then((reason) => Promise.reject(new Error(`${spec.name} ${reason} before it was ready`))),
      sleep(spec.readyMs, undefined, { signal: deadline.signal }).then(() =>
        Promise.reject(new Error(`${spec.name} was not ready within ${spec.readyMs / 1000} s`)),
      ),
      aborted(signal),
    ])
    return running
  } catch (cause) {
    await terminate(running, spec.stopMs)
    throw cause
  } finally {
    deadline.abort()
  }
}

/** SIGTERM, and SIGKILL when that is not enough. Resolves when the process is gone. */
export async function terminate(running: Running, stopMs: number): Promise<void> {
  running.signal('SIGTERM')
  const kill = setTimeout(() => running.signal('SIGKILL'), stopMs)
  await running.ended
  clearTimeout(kill)
}

async function aborted(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted()
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
