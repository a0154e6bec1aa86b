import type { Logger } from '../../log.ts'
import type { RoutingTable } from '../../model/route.ts'
import type { ControlledRouter } from './controlled-router.ts'
import type { Others } from './others.ts'
import type { Call, Results } from './protocol.ts'
import { commonSilences, sumOfFigures, sumOfMinutes, sumOfStatus } from './sums.ts'

type Deps = { own: ControlledRouter; others: Others; log: Logger }
type CallOf<Name extends Call['call']> = Extract<Call, { call: Name }>

/**
 * Carries out in all processes of a router what its first one is asked. Changes are in force in
 * this process first: one that starts meanwhile, and is told nothing, begins with them.
 */
export class AllProcesses {
  readonly #own: ControlledRouter
  readonly #others: Others
  readonly #log: Logger
  /** All have the table of this process. */
  #agreed = false
  #changes: Promise<unknown> = Promise.resolve()

  constructor({ own, others, log }: Deps) {
    this.#own = own
    this.#others = others
    this.#log = log
  }

  async answer(call: Call): Promise<Results[Call['call']]> {
    switch (call.call) {
      case 'install':
        return this.#install(call.table)
      case 'switchTo':
      case 'remove':
        return this.#change(call)
      case 'prove':
        return [...new Set((await this.#all(call)).flat())]
      case 'drain':
        return { unfinished: (await this.#all(call)).reduce((sum, { unfinished }) => sum + unfinished, 0) }
      case 'silences':
        return commonSilences(await this.#all(call))
      case 'status':
        return sumOfStatus(await this.#all(call))
      case 'measurements':
        return sumOfFigures(await this.#all(call))
      case 'minute':
        return sumOfMinutes(await this.#all(call))
      case 'retire':
        return this.#retire(call)
      case 'doors':
      case 'table':
      case 'awaitSuccessor':
        return this.#own.answer(call)
    }
  }

  /** For those that were there before this process, which may have missed a change. */
  agree(): Promise<void> {
    return this.#inTurn(() => this.#tell({ call: 'install', table: this.#own.table })).catch((cause: unknown) =>
      this.#log.warn({ err: cause }, 'another process of the router did not take the table; it is told again'),
    )
  }

  /** The same table again costs the others nothing. */
  #install(table: RoutingTable): Promise<null> {
    return this.#inTurn(async () => {
      const { isNew, saved } = this.#own.install(table)
      if (isNew || !this.#agreed) await this.#tell({ call: 'install', table })
      await saved
      return null
    })
  }

  #change(call: CallOf<'switchTo' | 'remove'>): Promise<Results['switchTo' | 'remove']> {
    return this.#inTurn(async () => {
      const agreed = this.#agreed
      // In force here when this returns, before the others are told.
      const own = this.#own.answer(call)
      const [result] = await Promise.all([own, this.#tell(call)])
      this.#agreed = agreed
      return result as Results['switchTo' | 'remove']
    })
  }

  /** One change is everywhere before the next: they could overtake each other on their ways. */
  #inTurn<R>(change: () => Promise<R>): Promise<R> {
    const result = this.#changes.then(change)
    this.#changes = result.catch(() => undefined)
    return result
  }

  async #tell(call: CallOf<'install' | 'switchTo' | 'remove'>): Promise<void> {
    this.#agreed = false
    await this.#others.ask(call)
    this.#agreed = true
  }

  async #all<C extends Call>(call: C): Promise<Results[C['call']][]> {
    const [own, others] = await Promise.all([this.#own.answer(call), this.#others.ask(call)])
    return [own as Results[C['call']], ...others]
  }

  /** One that hangs is its supervisor's to end. */
  async #retire(call: CallOf<'retire'>): Promise<Results['retire']> {
    await this.#others
      .ask(call)
      .catch((cause: unknown) => this.#log.warn({ err: cause }, 'another process of the router did not leave its port'))
    return (await this.#own.answer(call)) as RoutingTable
  }
}
