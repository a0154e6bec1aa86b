import { openRecord } from './open-record.ts'
import { runRole } from './run-role.ts'

/**
 * Has the record open until it is ended. A disk keeps its last blocks for root, who needs some of
 * them to open the record; whoever opens it meanwhile needs none.
 */
export const run = (): Promise<void> =>
  runRole('record', 'check', (context) => {
    const life = new AsyncDisposableStack()
    life.use(openRecord(context))
    return Promise.resolve(life)
  })

if (import.meta.main) await run()
