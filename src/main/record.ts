import { openRecord } from './open-record.ts'
import { runRole } from './run-role.ts'

/**
 * Keeps the database open until it is ended. File systems reserve their last blocks for root, which
 * needs some of them to open the database; others can then open it without any.
 */
export const run = (): Promise<void> =>
  runRole('record', 'check', (context) => {
    const life = new AsyncDisposableStack()
    life.use(openRecord(context))
    return Promise.resolve(life)
  })

if (import.meta.main) await run()
