import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { asPaasError } from '../../errors.ts'
import { isDataDoors, type DataDoor } from '../../model/data-door.ts'
import type { Counters } from '../counters.ts'
import { readIfThere, saveWhole, type TlsIdentity } from '../tls/identity.ts'
import { DoorAccount } from './door-account.ts'
import { Door, type DoorDeps } from './door.ts'

type Deps = Omit<DoorDeps, 'context' | 'account'> & {
  counters: Pick<Counters, 'doors'>
  /** Where they are kept, so that a router that starts has them without a worker. */
  path: string
}

/** The ports at which add-ons are reached from outside. */
export class DataDoors implements Disposable {
  readonly #deps: Deps
  readonly #open = new Map<number, Door>()
  #context: SecureContext | undefined
  #changes: Promise<unknown> = Promise.resolve()
  #left = false

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** What new connections are shown from now on. */
  show({ certificate, key }: TlsIdentity): void {
    const secureOptions = constants.SSL_OP_NO_RENEGOTIATION
    this.#context = createSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2', secureOptions })
  }

  /** Those that were open when the last router ended, or still has them. */
  async restore(shared: boolean): Promise<void> {
    const saved: unknown = JSON.parse((await readIfThere(this.#deps.path)) ?? '[]')
    if (isDataDoors(saved)) await this.#change(saved, shared)
  }

  /**
   * Opens these and closes all others.
   * @returns why some could not be opened, by port
   */
  install(doors: DataDoor[]): Promise<Record<number, string>> {
    const change = this.#changes.then(async () => {
      if (this.#left) return {}
      await saveWhole(this.#deps.path, JSON.stringify(doors), 0o600)
      return this.#change(doors, false)
    })
    this.#changes = change.catch(() => undefined)
    return change
  }

  async #change(doors: DataDoor[], shared: boolean): Promise<Record<number, string>> {
    for (const [port, door] of this.#open) {
      if (doors.some((one) => one.port === port && one.addonId === door.wanted.addonId)) continue
      door.close()
      this.#open.delete(port)
    }
    const problems: Record<number, string> = {}
    for (const door of doors) {
      const present = this.#open.get(door.port)
      if (present) present.change(door)
      else
        await this.#openOne(door, shared).catch((cause: unknown) => (problems[door.port] = asPaasError(cause).message))
    }
    return problems
  }

  async #openOne(door: DataDoor, shared: boolean): Promise<void> {
    const context = (): SecureContext | undefined => this.#context
    const account = new DoorAccount(this.#deps)
    this.#open.set(door.port, await Door.open({ ...this.#deps, account, context }, door, shared))
  }

  /** Another router has them too; what is connected goes on. */
  async leave(): Promise<void> {
    this.#left = true
    await this.#changes
    await Promise.all([...this.#open.values()].map((door) => door.leave()))
  }

  [Symbol.dispose](): void {
    this.#left = true
    for (const door of this.#open.values()) door.close()
  }
}
