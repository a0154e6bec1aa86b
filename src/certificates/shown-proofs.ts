import type { Logger } from '../log.ts'
import type { Proofs } from '../model/route.ts'
import type { RouterControl } from '../router/control/control.ts'

/**
 * Milliseconds between two calls to the router, which may be another one by then: while something
 * is shown, and otherwise.
 */
const pause = { busy: 1_000, idle: 2_000 }

type Shown = Pick<Proofs, 'http' | 'tls'>

export type ShownProofsDeps = {
  router: Pick<RouterControl, 'prove'>
  /** Whether names of apps are to get certificates when somebody asks for them. */
  isOnDemand: () => boolean
  /** Names of apps that have been asked for and have none. */
  onWanted: (hosts: string[]) => void
  log: Logger
}

/** What the router shows to authorities now, all orders together. */
export class ShownProofs implements Disposable {
  readonly #deps: ShownProofsDeps
  readonly #shown = new Set<Shown>()
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(deps: ShownProofsDeps) {
    this.#deps = deps
  }

  begin(): void {
    this.#plan()
  }

  /** Resolves when the router shows it, until disposal. @throws router_unavailable */
  async show(proofs: Shown): Promise<Disposable> {
    this.#shown.add(proofs)
    const shown = { [Symbol.dispose]: () => void this.#shown.delete(proofs) }
    try {
      await this.#tell()
      return shown
    } catch (cause) {
      shown[Symbol.dispose]()
      throw cause
    }
  }

  [Symbol.dispose](): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #plan(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => void this.#again(), this.#shown.size > 0 ? pause.busy : pause.idle)
  }

  async #again(): Promise<void> {
    try {
      if (this.#shown.size > 0 || this.#deps.isOnDemand()) await this.#tell()
    } catch (cause) {
      this.#deps.log.debug({ err: cause }, 'the router does not show what authorities look for')
    }
    this.#plan()
  }

  async #tell(): Promise<void> {
    const shown = [...this.#shown]
    const { router, isOnDemand, onWanted } = this.#deps
    const http = shown.flatMap((one) => one.http)
    const tls = shown.flatMap((one) => one.tls)
    const wanted = await router.prove({ http, tls, onDemand: isOnDemand() })
    if (wanted.length > 0) onWanted(wanted)
  }
}
