import { asPaasError, isPassing } from '../errors.ts'
import { checkStore } from '../store/check.ts'
import { runRole } from './run-role.ts'

/** Is ready once it is sure that a server can start here; asked before what serves is replaced. */
export const run = (): Promise<void> =>
  runRole('check', 'check', ({ config: { paths }, log }) => {
    try {
      checkStore({ path: paths.database, keyPath: paths.key })
    } catch (thrown) {
      if (!isPassing(asPaasError(thrown))) throw thrown
      // The roles handle a full disk themselves.
      log.warn({ err: thrown }, 'the record could not be checked')
    }
    return Promise.resolve(new AsyncDisposableStack())
  })

if (import.meta.main) await run()
