import type { Dyno, Engine } from '../engine/engine.ts'
import { askDyno } from './ask-dyno.ts'
import type { DynoLog } from './dyno-log.ts'
import type { Routes } from './routes.ts'
import type { RouterControl, Silence } from '../router/control/control.ts'

export type SilentDynosDeps = {
  engine: Pick<Engine, 'findDyno'>
  router: Pick<RouterControl, 'silences'>
  routes: Pick<Routes, 'settled'>
  dynoLog: Pick<DynoLog, 'answers'>
  /** Seconds for which a web dyno may give no HTTP answer. */
  seconds: number
  /** Ids of those that were found hung before this process started. */
  suspects: string[]
}

/** What is known of a dyno since it was asked, and gave no answer until now. */
type Watch = { dyno: Dyno; knock: AbortController | undefined; counted: number }

/** Looks within the time that a dyno may be silent. */
const looks = 6
/**
 * So many times as long a dyno is left in peace that nobody wants anything of, and is borne with
 * that a visitor holds.
 */
const patience = 5
/** Dynos asked at once, and those of them that nobody wants anything of at one look. */
const most = { knocks: 100, idle: 10 }

/**
 * The web dynos that give no answer to anybody. What a visitor gets, be it a piece of an answer, is
 * a sign of life. One that gave none for a while is asked itself, as at its start, and has all the
 * time until it counts as hung to answer, since one that does a long piece of work for somebody
 * else comes to it late.
 */
export class SilentDynos {
  readonly #deps: SilentDynosDeps
  readonly #watches = new Map<string, Watch>()
  /** When those that nobody hears answered last, performance.now(). */
  readonly #answered = new Map<string, number>()
  #suspects: string[]

  constructor(deps: SilentDynosDeps) {
    this.#deps = deps
    this.#suspects = deps.suspects
  }

  /** Milliseconds from one look to the next. */
  get pace(): number {
    return (this.#deps.seconds * 1000) / looks
  }

  /**
   * Asks whom it is time to ask. Looks are counted, not the clock asked: while the worker or the
   * machine stood still nobody could answer.
   * @returns those that were silent for too long, each as it was when it was first asked
   */
  async look(): Promise<Dyno[]> {
    await Promise.all(this.#suspects.map((id) => this.#begin(id)))
    this.#suspects = []
    const silences = new Map((await this.#deps.router.silences(this.pace)).map((silence) => [silence.id, silence]))
    const over = [...this.#watches.values()].filter(({ dyno }) => !silences.has(dyno.id))
    await Promise.all(over.map((watch) => this.#end(watch)))
    for (const [id, watch] of this.#watches) watch.counted += silences.get(id)?.held ? 1 : patience
    for (const [id] of this.#answered) if (!this.#rests(id, patience)) this.#answered.delete(id)
    const unwatched = [...silences.values()].filter(({ id }) => !this.#watches.has(id))
    await Promise.all(this.#due(unwatched).map(({ id }) => this.#begin(id)))
    for (const watch of this.#watches.values()) if (!watch.knock) void this.#knock(watch)
    return [...this.#watches.values()].filter(({ counted }) => counted >= looks * patience).map(({ dyno }) => dyno)
  }

  /** Stops asking dynos. */
  [Symbol.dispose](): void {
    for (const { knock } of this.#watches.values()) knock?.abort()
    this.#watches.clear()
  }

  #due(silences: Silence[]): Silence[] {
    const longest = this.#deps.seconds * patience * 1000
    const owing = silences.filter(({ id, owes }) => owes && !this.#rests(id, 1))
    const idle = silences.filter(({ id, owes, silentMs }) => !owes && silentMs >= longest && !this.#rests(id, patience))
    return [...owing, ...idle.slice(0, most.idle)].slice(0, Math.max(0, most.knocks - this.#watches.size))
  }

  /** Whether it answered within this multiple of its allowed silence. */
  #rests(id: string, times: number): boolean {
    return performance.now() - (this.#answered.get(id) ?? -Infinity) < this.#deps.seconds * times * 1000
  }

  async #begin(id: string): Promise<void> {
    const dyno = await this.#deps.engine.findDyno(id)
    if (dyno?.state.kind === 'running') this.#watches.set(id, { dyno, knock: undefined, counted: 0 })
  }

  async #knock(watch: Watch): Promise<void> {
    const { dyno } = watch
    watch.knock = new AbortController()
    const reply = await askDyno(dyno, watch.knock.signal)
    watch.knock = undefined
    if (reply.kind !== 'answered' || this.#watches.get(dyno.id) !== watch) return
    this.#answered.set(dyno.id, performance.now())
    await this.#end(watch)
  }

  /** Something came of it, or it is no target any more. */
  async #end({ dyno, knock }: Watch): Promise<void> {
    this.#watches.delete(dyno.id)
    knock?.abort()
    const route = await this.#deps.routes.settled(dyno.appId)
    if (route?.targets.some(({ id }) => id === dyno.id)) this.#deps.dynoLog.answers(dyno)
  }
}
