import { isDeepStrictEqual } from 'node:util'
import type { Logger } from '../../log.ts'
import type { FigureWriter } from '../../metrics/figure-writer.ts'
import type { RoleMeter } from '../../metrics/role-meter.ts'
import type { RoutingTable } from '../../model/route.ts'
import type { Call, Results, RouterSettings } from './protocol.ts'
import type { DataDoors } from '../data-doors/data-doors.ts'
import { drain } from '../drain.ts'
import type { Router } from '../router.ts'
import type { TableChange } from '../table/table-change.ts'
import { TableFile, type TablePlace } from '../table/table-file.ts'

export type ControlledRouterDeps = {
  router: Router
  doors: Pick<DataDoors, 'install'>
  /** Where its table is saved; undefined: another process does that. */
  table: TablePlace | undefined
  /** Of the processes that one supervisor started. */
  group: string
  version: string
  settings: RouterSettings
  figures: Pick<FigureWriter, 'dropped'>
  meter: RoleMeter
  log: Logger
  /** A new router has the port too; resolves when this one has left it. */
  onRetire: () => Promise<void>
  onAwaitSuccessor: (seconds: number | undefined) => void
}

/** Milliseconds until a table that could not be saved is tried again. */
const saveAgainAfter = 2000

/**
 * Carries out the calls of the control socket. A change is in force at once, and answered when it
 * is saved, or could not be: a disk that is slow or full keeps no request from a dyno that serves.
 */
export class ControlledRouter {
  readonly #deps: ControlledRouterDeps
  readonly #file: TableFile | undefined
  /** The file has the table that is in force. */
  #saved = false
  #saveAgain: NodeJS.Timeout | undefined
  #retired = false
  /** Resolves when what was to be saved before is. */
  #saves: Promise<unknown> = Promise.resolve()
  #begunSaves = 0
  #begun: Promise<void> | undefined

  constructor(deps: ControlledRouterDeps) {
    this.#deps = deps
    this.#file = deps.table && new TableFile(deps.table)
  }

  answer(call: Call): Promise<Results[Call['call']]> {
    const { routes, measurements } = this.#deps.router
    switch (call.call) {
      case 'install':
        return this.#takeOver(call.table)
      case 'switchTo':
        return this.#change({ appId: call.route.appId, route: call.route }, () => routes.switchTo(call.route))
      case 'remove':
        return this.#change(call, () => (routes.remove(call.appId), measurements.forget(call.appId), null))
      case 'drain':
        return this.#drain(call)
      case 'prove':
        return Promise.resolve(this.#deps.router.proofs.show(call.proofs))
      case 'silences':
        return Promise.resolve(this.#deps.router.silences(call.forMs))
      case 'doors':
        return this.#deps.doors.install(call.doors)
      case 'status':
        return Promise.resolve(this.#status())
      case 'table':
        return Promise.resolve({ table: routes.table, proofs: this.#deps.router.proofs.shown })
      case 'measurements':
        return Promise.resolve(this.#measurements())
      case 'minute':
        return Promise.resolve(measurements.minute(call.appId))
      case 'retire':
        return this.#retire()
      case 'awaitSuccessor':
        this.#deps.onAwaitSuccessor(call.seconds)
        return Promise.resolve(null)
    }
  }

  get table(): RoutingTable {
    return this.#deps.router.routes.table
  }

  /**
   * The worker sends the same table again and again, in case it was lost.
   * @returns `isNew`: it was not in force, or not saved
   */
  install(table: RoutingTable): { isNew: boolean; saved: Promise<void> } {
    const { routes } = this.#deps.router
    if (this.#saved && isDeepStrictEqual(table, routes.table)) return { isNew: false, saved: Promise.resolve() }
    routes.install(table)
    return { isNew: true, saved: this.#save((file) => file.save(table)) }
  }

  /** Begins with what the first process has; what this one is told meanwhile comes after it. */
  begin(load: () => Promise<Results['table'] | undefined>): Promise<void> {
    const { routes, proofs } = this.#deps.router
    return (this.#begun = load().then((loaded) => {
      if (loaded === undefined) return
      routes.install(loaded.table)
      proofs.show(loaded.proofs)
    }))
  }

  async #takeOver(table: RoutingTable): Promise<null> {
    if (this.#begun) await this.#begun
    await this.install(table).saved
    return null
  }

  async #change<R>({ appId, route }: TableChange, apply: () => R): Promise<R> {
    if (this.#begun) await this.#begun
    const change = { appId, ...(route && { route }) }
    const result = apply()
    const { table } = this
    await this.#save((file) => file.saveChange(change, table))
    return result
  }

  /**
   * Never fails: what a router serves from is in its memory, and the worker sends it a whole table
   * when it starts.
   */
  #save(save: (file: TableFile) => Promise<void>): Promise<void> {
    clearTimeout(this.#saveAgain)
    this.#saved = false
    const number = ++this.#begunSaves
    const saved = this.#saves.then(() => this.#trySave(save, number))
    this.#saves = saved
    return saved
  }

  async #trySave(save: (file: TableFile) => Promise<void>, number: number): Promise<void> {
    try {
      if (this.#file) await save(this.#file)
      this.#saved = number === this.#begunSaves
    } catch (cause) {
      if (this.#retired) return
      this.#deps.log.warn({ err: cause }, 'routing table not saved, but in force; tried again')
      this.#saveAgain = setTimeout(() => void this.#save((file) => file.save(this.table)), saveAgainAfter).unref()
    }
  }

  async #drain({ targetIds, timeoutMs }: Extract<Call, { call: 'drain' }>): Promise<{ unfinished: number }> {
    const targets = targetIds
      .map((id) => this.#deps.router.routes.findTarget(id))
      .filter((target) => target !== undefined)
    const result = await drain(targets, timeoutMs)
    if (result.unfinished > 0) this.#deps.log.warn({ targetIds, ...result }, 'requests still in flight after the drain')
    return result
  }

  #status(): Results['status'] {
    const { router, version, settings, group } = this.#deps
    const { pid } = process
    return { pid, pids: [pid], group, version, settings, counters: router.counters.toJSON() }
  }

  #measurements(): Results['measurements'] {
    const { router, meter, figures } = this.#deps
    return {
      apps: router.measurements.totals(),
      counters: router.counters.toJSON(),
      connections: router.connections,
      dropped: figures.dropped,
      process: meter.figures(),
    }
  }

  /** Changes in progress are finished first, so that the successor starts from the last table. */
  async #retire(): Promise<RoutingTable> {
    // From here on the successor owns the file.
    this.#retired = true
    await this.#saves
    clearTimeout(this.#saveAgain)
    await this.#deps.onRetire()
    return this.table
  }
}
