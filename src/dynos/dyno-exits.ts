import type { EngineEvent } from '../engine/engine.ts'
import type { DynoExit } from '../model/dyno-exit.ts'

type Waiting = (exit: DynoExit) => void

/**
 * How dynos ended, from the engine's events: a process may end and be started again before anybody
 * asks, and then only the event tells the code.
 */
export class DynoExits {
  readonly #last = new Map<string, DynoExit>()
  readonly #killedForMemory = new Set<string>()
  readonly #waiting = new Map<string, Set<Waiting>>()

  /** Takes every event of the engine, in order. */
  record({ kind, id, exitCode }: Pick<EngineEvent, 'kind' | 'id' | 'exitCode'>): void {
    switch (kind) {
      case 'out-of-memory':
        this.#killedForMemory.add(id)
        break
      case 'exited':
        this.#exited(id, { code: exitCode ?? -1, outOfMemory: this.#killedForMemory.delete(id) })
        break
      case 'removed':
        this.#last.delete(id)
        this.#killedForMemory.delete(id)
        break
      case 'started': // a kill that was told after the end is not of this run
        this.#killedForMemory.delete(id)
        break
      case 'stuck':
    }
  }

  /** How it ended last, if it ever did while this process watched. */
  last(id: string): DynoExit | undefined {
    return this.#last.get(id)
  }

  /** Whether one of its processes was killed for memory, and the dyno has not ended since. */
  ranOutOfMemory(id: string): boolean {
    return this.#killedForMemory.has(id)
  }

  /** Resolves when it ends the next time. Rejects with the signal's reason. */
  async next(id: string, signal: AbortSignal): Promise<DynoExit> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<DynoExit>()
    const waiting = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, waiting.add(resolve))
    const leave = () => reject(signal.reason as Error)
    signal.addEventListener('abort', leave)
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', leave)
      waiting.delete(resolve)
      if (waiting.size === 0) this.#waiting.delete(id)
    }
  }

  #exited(id: string, exit: DynoExit): void {
    this.#last.set(id, exit)
    for (const resolve of this.#waiting.get(id) ?? []) resolve(exit)
  }
}
