import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { DataDoor } from '../model/data-door.ts'
import { planNamed, serviceNamed, type Service } from '../model/service.ts'
import type { DataDoorControl } from '../router/control/control.ts'
import type { Store } from '../store/store.ts'

export type DoorKeeperDeps = {
  engine: Pick<Engine, 'listServices'>
  store: Pick<Store, 'addons'>
  config: Pick<Config, 'dataPorts'>
  doors: DataDoorControl
  platformLog: Pick<PlatformLog, 'api'>
  log: Logger
}

/** Connections beyond those of the plan, for which the service has an answer of its own. */
const spare = 10

/** Has the router open the doors that the record has, and tells it where what is behind them is. */
export class DoorKeeper {
  readonly #deps: DoorKeeperDeps
  #sent: DataDoor[] | undefined
  #told = ''
  #turn: Promise<void> = Promise.resolve()

  constructor(deps: DoorKeeperDeps) {
    this.#deps = deps
  }

  /**
   * Never rejects: the patrol comes by again.
   * @param again also where nothing changed: the router may have lost them
   */
  put(services: Service[], again: boolean): Promise<void> {
    this.#turn = this.#turn
      .then(() => this.#put(services, again))
      .catch((cause: unknown) => this.#deps.log.warn({ err: cause }, 'data doors could not be set'))
    return this.#turn
  }

  async #put(services: Service[], again: boolean): Promise<void> {
    const wanted = await this.#wanted(services)
    if (!again && isDeepStrictEqual(wanted, this.#sent)) return
    const problems = await this.#deps.doors.installDoors(wanted)
    this.#sent = wanted
    this.#tell(wanted, problems)
  }

  async #wanted(services: Service[]): Promise<DataDoor[]> {
    const { store, engine, config } = this.#deps
    const exposed = store.addons.list().filter(({ exposed: at, state }) => at !== null && state.kind === 'provisioned')
    if (exposed.length === 0) return []
    const containers = await engine.listServices()
    return exposed.flatMap((addon) => {
      const { id, exposed: at } = addon
      const service = serviceNamed(services, addon.service)
      const plan = service && planNamed(service, addon.plan)
      // What the operator does not let in any more stays closed, and on record.
      const isOpen =
        config.dataPorts !== null &&
        at !== null &&
        at.port >= config.dataPorts.first &&
        at.port <= config.dataPorts.last
      if (!isOpen || !service?.outside || !plan) return []
      const host = containers.find(({ addonId }) => addonId === id)?.address
      const target = host === undefined ? null : { host, port: service.port }
      return [{ addonId: id, ...at, protocol: service.outside.protocol, target, most: plan.connections + spare }]
    })
  }

  /** Each problem once. */
  #tell(wanted: DataDoor[], problems: Record<number, string>): void {
    const { store, platformLog, log } = this.#deps
    const told = JSON.stringify(problems)
    if (told === this.#told) return
    this.#told = told
    for (const { port, addonId } of wanted) {
      const problem = problems[port]
      const addon = store.addons.find(addonId)
      if (problem === undefined || !addon) continue
      log.error({ port, addon: addon.name, problem }, 'a data door could not be opened')
      platformLog.api(addon.appId, `${addon.name} cannot be reached from outside: ${problem}`)
    }
  }
}
