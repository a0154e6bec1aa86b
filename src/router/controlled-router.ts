import type { Logger } from '../log.ts'
import type { FigureWriter } from '../metrics/figure-writer.ts'
import type { RoleMeter } from '../metrics/role-meter.ts'
import type { RoutingTable } from '../model/route.ts'
import type { Call, Results, RouterSettings } from './control-protocol.ts'
import { drain } from './drain.ts'
import type { Router } from './router.ts'
import { replaceRoute } from './routes.ts'
import { saveTable } from './table-file.ts'

export type ControlledRouterDeps = {
  router: Router
  tableFile: string
  version: string
  settings: RouterSettings
  figures: Pick<FigureWriter, 'dropped'>
  meter: RoleMeter
  log: Logger
  /** A new router has the port too; resolves when this one has left it. */
  onRetire: () => Promise<void>
}

/** Carries out the calls of the control socket. A table is saved first and then in force, one change at a time. */
export class ControlledRouter {
  readonly #deps: ControlledRouterDeps
  #changes: Promise<unknown> = Promise.resolve()

  constructor(deps: ControlledRouterDeps) {
    this.#deps = deps
  }

  answer(call: Call): Promise<Results[Call['call']]> {
    const { routes, measurements } = this.#deps.router
    switch (call.call) {
      case 'install':
        return this.#change(
          () => call.table,
          () => (routes.install(call.table), null),
        )
      case 'switchTo':
        return this.#change(
          (table) => replaceRoute(table, call.route.appId, [call.route]).table,
          () => routes.switchTo(call.route),
        )
      case 'remove':
        return this.#change(
          (table) => replaceRoute(table, call.appId, []).table,
          () => (routes.remove(call.appId), measurements.forget(call.appId), null),
        )
      case 'drain':
        return this.#drain(call)
      case 'status':
        return Promise.resolve(this.#status())
      case 'measurements':
        return Promise.resolve(this.#measurements())
      case 'minute':
        return Promise.resolve(measurements.minute(call.appId))
      case 'retire':
        return this.#retire()
    }
  }

  async #change<R>(next: (table: RoutingTable) => RoutingTable, apply: () => R): Promise<R> {
    const change = this.#afterOthers(async () => {
      const { tableFile, router } = this.#deps
      await saveTable(tableFile, next(router.routes.table))
      return apply()
    })
    // oxlint-disable-next-line no-empty-function -- the caller gets the failure; the next change goes on
    this.#changes = change.catch(() => {})
    return change
  }

  async #afterOthers<R>(change: () => Promise<R>): Promise<R> {
    await this.#changes
    return change()
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
    const { router, version, settings } = this.#deps
    return { pid: process.pid, version, settings, counters: router.counters.toJSON() }
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

  /** Changes under way are finished first, so that the successor starts from the last table. */
  async #retire(): Promise<RoutingTable> {
    await this.#changes
    await this.#deps.onRetire()
    return this.#deps.router.routes.table
  }
}
