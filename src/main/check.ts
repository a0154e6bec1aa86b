import { checkStore } from '../store/check.ts'
import { runRole } from './run-role.ts'

/** Is ready once it is sure that a server can start here; asked before what serves is replaced. */
export const run = (): Promise<void> =>
  runRole('check', 'control', ({ config: { paths } }) => {
    checkStore({ path: paths.database, keyPath: paths.key })
    return Promise.resolve(new AsyncDisposableStack())
  })

if (import.meta.main) await run()
