import type { Dyno } from '../engine/engine.ts'
import type { PlatformLog } from './platform-log.ts'

type Subject = Pick<Dyno, 'id' | 'appId' | 'name'>
type State = 'starting' | 'up' | 'crashed' | 'complete' | 'stopping' | 'stopped'

/**
 * The life of each dyno in its app's log, in Heroku's words: `State changed from starting to up`. What is said twice, by whoever
 * started it and by the engine's events, appears once.
 */
export class DynoLog {
  readonly #platformLog: Pick<PlatformLog, 'dyno'>
  readonly #states = new Map<string, State>()

  constructor(platformLog: Pick<PlatformLog, 'dyno'>) {
    this.#platformLog = platformLog
  }

  /** Said before it starts. @param command what runs; null: the image's own command */
  launching(dyno: Pick<Dyno, 'appId' | 'name'>, command: string | null): void {
    const what = command === null ? "the image's own command" : `command \`${command}\``
    this.#platformLog.dyno(dyno, `Starting process with ${what}`)
  }

  /** It serves, for all that was known when somebody looked; what ended meanwhile stays so. */
  up(dyno: Subject): void {
    if ((this.#states.get(dyno.id) ?? 'starting') === 'starting') this.#change(dyno, 'up')
  }

  /** Nothing answered in its boot time. */
  bootTimeout(dyno: Subject, seconds: number): void {
    const problem = `Web process failed to bind to $PORT within ${seconds} seconds of launch`
    this.#platformLog.dyno(dyno, `Error R10 (Boot timeout) -> ${problem}`)
  }

  crashed(dyno: Subject): void {
    this.#change(dyno, 'crashed')
  }

  stopping(dyno: Subject): void {
    const state = this.#states.get(dyno.id)
    if (state === 'stopping' || state === 'stopped') return
    this.#states.set(dyno.id, 'stopping')
    this.#platformLog.dyno(dyno, 'Stopping all processes with SIGTERM')
  }

  /** It did not end in its grace time. Nothing is said if it just has. */
  killing(dyno: Subject, graceSeconds: number): void {
    if (this.#states.get(dyno.id) !== 'stopping') return
    const problem = `At least one process failed to exit within ${graceSeconds} seconds of SIGTERM`
    this.#platformLog.dyno(dyno, `Error R12 (Exit timeout) -> ${problem}`)
    this.#platformLog.dyno(dyno, 'Stopping remaining processes with SIGKILL')
  }

  /** The engine has started the process, for the first time or again. */
  started(dyno: Subject): void {
    if (this.#states.get(dyno.id) === 'crashed') this.#change(dyno, 'starting')
    if (!this.#states.has(dyno.id)) this.#states.set(dyno.id, 'starting')
  }

  /** @param once whether it was to run once only */
  exited(dyno: Subject, { code, once }: { code: number | undefined; once: boolean }): void {
    this.#platformLog.dyno(dyno, `Process exited with status ${code ?? 'unknown'}`)
    if (this.#states.get(dyno.id) === 'stopping') this.#states.set(dyno.id, 'stopped')
    else this.#change(dyno, once ? 'complete' : 'crashed')
  }

  killedForMemory(dyno: Subject): void {
    this.#platformLog.dyno(dyno, 'Error R15 (Memory quota vastly exceeded)')
  }

  removed({ id }: Pick<Subject, 'id'>): void {
    this.#states.delete(id)
  }

  /** A dyno that ran before this process did was up. */
  #change(dyno: Subject, state: State): void {
    const before = this.#states.get(dyno.id) ?? 'up'
    this.#states.set(dyno.id, state)
    if (before !== state) this.#platformLog.dyno(dyno, `State changed from ${before} to ${state}`)
  }
}
