import type { Logger } from '../../log.ts'
import type { DataDoor } from '../../model/data-door.ts'
import { Allowance } from '../allowance.ts'
import type { Counters, DoorResult } from '../counters.ts'

type Vain = Exclude<DoorResult, 'served'>

/** Lines of each kind: whoever knocks again and again fills no disk. */
const lines = { burst: 10, perSecond: 0.1 }

const said: Record<Vain, string> = {
  refused: 'a data door stayed closed',
  failed: 'a connection to a data door came to no TLS',
  unreachable: 'a data door leads to nothing that answers',
}

/** What became of the connections of one door: figures, and lines in the log for those in vain. */
export class DoorAccount {
  readonly #counters: Pick<Counters, 'doors'>
  readonly #log: Logger
  readonly #kinds = { refused: newKind(), failed: newKind(), unreachable: newKind() }

  constructor({ counters, log }: { counters: Pick<Counters, 'doors'>; log: Logger }) {
    this.#counters = counters
    this.#log = log
  }

  served(): void {
    this.#counters.doors.served++
  }

  /** @param reason in a few words, without what a stranger wrote */
  inVain(result: Vain, { port, addonId }: DataDoor, { address, reason }: { address: string; reason: string }): void {
    this.#counters.doors[result]++
    const kind = this.#kinds[result]
    if (!kind.allowance.take(1)) return void kind.unlogged++
    const { unlogged } = kind
    kind.unlogged = 0
    const level = result === 'unreachable' ? 'warn' : 'info'
    const entry = { address, port, addon: addonId, reason, ...(unlogged > 0 && { unlogged }) }
    this.#log[level](entry, said[result])
  }
}

function newKind(): { allowance: Allowance; unlogged: number } {
  return { allowance: new Allowance(lines), unlogged: 0 }
}

/** OpenSSL's and Node's codes tell more than their messages, and have nothing of a stranger's. */
export function reasonOf(cause: unknown): string {
  const { code, message, cause: inner } = cause as Error & { code?: string }
  // What was waited for was given up; why is inside.
  if (code === 'ABORT_ERR' && inner !== undefined) return reasonOf(inner)
  return code ?? message
}
