import type { Dyno } from '../engine/engine.ts'
import { isOneOff, isSilent, type DynoFacts, type DynoLife, type DynoRecord } from '../model/dyno.ts'
import type { DynoStateRecords } from '../store/dyno-records.ts'
import type { PlatformLog } from '../logs/platform-log.ts'

/** How a dyno ended, and when; `code` is undefined where the engine does not say. */
type End = { code: number | undefined; outOfMemory: boolean; at: Date }
type States = Pick<DynoStateRecords, 'find' | 'put' | 'lose' | 'forget'>
type Change = { since?: Date } & Partial<Pick<DynoRecord, 'exitStatus' | 'error'>>

/**
 * The life of each dyno, in the database and in its app's log, there in Heroku's words:
 * `State changed from starting to up`. A change reported twice, by the code that started the dyno
 * and by the engine's events, appears once.
 */
export class DynoLog {
  readonly #platformLog: Pick<PlatformLog, 'dyno'>
  readonly #states: States

  constructor({ platformLog, states }: { platformLog: Pick<PlatformLog, 'dyno'>; states: States }) {
    this.#platformLog = platformLog
    this.#states = states
  }

  /** Said before it starts. @param command what runs; null: the image's own command */
  launching(dyno: Pick<Dyno, 'appId' | 'name'>, command: string | null): void {
    const what = command === null ? "the image's own command" : `command \`${command}\``
    this.#platformLog.dyno(dyno, `Starting process with ${what}`)
  }

  /** It serves, for all that was known when somebody looked; what ended meanwhile stays so. */
  up(dyno: DynoFacts & Pick<Dyno, 'state'>): void {
    const known = this.#states.find(dyno.id)
    if (!known || canComeUp(known) || isOfEarlierRun(known, dyno)) this.#change(dyno, 'up')
  }

  /** Nothing answered in its boot time; said once of each start. */
  bootTimeout(dyno: DynoFacts, seconds: number): void {
    if (this.#stateOf(dyno) !== 'starting') return
    const problem = `Web process failed to bind to $PORT within ${seconds} seconds of launch`
    this.#platformLog.dyno(dyno, `Error R10 (Boot timeout) -> ${problem}`)
    this.#change(dyno, 'crashed', { exitStatus: null, error: 'R10' })
  }

  /** It was paused or cut off from its network, so it is replaced. */
  stuck(dyno: DynoFacts, by: 'pause' | 'network'): void {
    if (!isExpectedToRun(this.#stateOf(dyno))) return
    const problem = by === 'pause' ? 'Processes were paused' : 'Disconnected from its network'
    this.#platformLog.dyno(dyno, `${problem}. Replacing the dyno`)
    this.#change(dyno, 'down')
  }

  /** It runs, and gave no answer for so long; said once. */
  silent(dyno: DynoFacts, seconds: number): void {
    if (this.#stateOf(dyno) !== 'up') return
    this.#platformLog.dyno(dyno, `No HTTP answer for ${seconds} seconds, neither to visitors nor to the server`)
    this.#change(dyno, 'crashed', { error: null })
  }

  /** One that was silent is not any more. */
  answers(dyno: DynoFacts): void {
    const known = this.#states.find(dyno.id)
    if (known && isSilent(known)) this.#change(dyno, 'up')
  }

  /** It ended in its boot time; how is told by the engine, then or before. */
  crashed(dyno: DynoFacts): void {
    if (this.#stateOf(dyno) !== 'crashed') this.#change(dyno, 'crashed')
  }

  stopping(dyno: DynoFacts): void {
    const state = this.#stateOf(dyno)
    if (state === 'stopping' || state === 'stopped') return
    this.#keep(dyno, 'stopping')
    this.#platformLog.dyno(dyno, 'Stopping all processes with SIGTERM')
  }

  /** It did not end in its grace time. Nothing is said if it just has. */
  killing(dyno: DynoFacts, graceSeconds: number): void {
    if (this.#stateOf(dyno) !== 'stopping') return
    const problem = `At least one process failed to exit within ${graceSeconds} seconds of SIGTERM`
    this.#platformLog.dyno(dyno, `Error R12 (Exit timeout) -> ${problem}`)
    this.#platformLog.dyno(dyno, 'Stopping remaining processes with SIGKILL')
  }

  /**
   * The engine has started the process, for the first time or again. Its event may come after what
   * was seen of the same run.
   */
  started(dyno: DynoFacts, at = new Date()): void {
    const known = this.#states.find(dyno.id)
    if (!known) this.#keep(dyno, 'starting', { since: at })
    else if (startsAgain.includes(known.state) && known.since < at) this.#change(dyno, 'starting', { since: at })
  }

  exited(dyno: DynoFacts, { code, outOfMemory, at }: End): void {
    this.#platformLog.dyno(dyno, `Process exited with status ${code ?? 'unknown'}`)
    const change = { since: at, exitStatus: code ?? null, error: outOfMemory ? ('R15' as const) : null }
    if (this.#stateOf(dyno) === 'stopping') this.#keep(dyno, 'stopped', change)
    else this.#change(dyno, isOneOff(dyno) ? 'complete' : 'crashed', change)
  }

  killedForMemory(dyno: DynoFacts): void {
    this.#platformLog.dyno(dyno, 'Error R15 (Memory quota vastly exceeded)')
  }

  removed({ id }: Pick<DynoFacts, 'id'>): void {
    this.#states.forget(id)
  }

  /**
   * The engine is away: whether anything runs cannot be seen, and nothing of it is kept running.
   */
  engineLost(): void {
    for (const dyno of this.#states.lose(new Date())) {
      this.#platformLog.dyno(dyno, `State changed from ${dyno.state} to down`)
    }
  }

  #stateOf({ id }: Pick<DynoFacts, 'id'>): DynoLife | undefined {
    return this.#states.find(id)?.state
  }

  /** A dyno that is not in the database was up. */
  #change(dyno: DynoFacts, state: DynoLife, change?: Change): void {
    const before = this.#stateOf(dyno) ?? 'up'
    this.#keep(dyno, state, change)
    if (before !== state) this.#platformLog.dyno(dyno, `State changed from ${before} to ${state}`)
  }

  #keep(dyno: DynoFacts, state: DynoLife, change: Change = {}): void {
    const { exitStatus = null, error = null } = this.#states.find(dyno.id) ?? {}
    this.#states.put(dyno, { exitStatus, error, since: new Date(), ...change, state })
  }
}

/** One that is not in the database has just been removed. */
function isExpectedToRun(state: DynoLife | undefined): boolean {
  return state === 'starting' || state === 'up' || state === 'crashed'
}

/** Where a process that starts is not the one that was seen. */
const startsAgain: DynoLife[] = ['crashed', 'up', 'down']

/** One that did not answer in its boot time may do so later. */
function canComeUp({ state, error }: DynoRecord): boolean {
  return state === 'starting' || state === 'down' || (state === 'crashed' && error === 'R10')
}

/** It was started again, and nobody saw it. */
function isOfEarlierRun({ since }: DynoRecord, { state }: Pick<Dyno, 'state'>): boolean {
  return state.kind === 'running' && since < state.since
}
