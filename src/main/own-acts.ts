import type { Logger } from '../log.ts'
import { serverAct } from '../model/audit.ts'
import type { Store } from '../store/store.ts'

type Deps = { store: Pick<Store, 'audit'>; log: Logger }

/**
 * Writes into the audit log what the server itself has done. What is done is not undone where that
 * cannot be written, on a full disk: the server's log says so.
 */
export function recordOwnAct({ store, log }: Deps, ...act: Parameters<typeof serverAct>): void {
  try {
    store.audit.append(serverAct(...act))
  } catch (error) {
    log.warn({ err: error, act: act[0] }, 'not in the audit log')
  }
}
