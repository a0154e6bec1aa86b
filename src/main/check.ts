import { checkStore } from '../store/check.ts'
import { runRole } from './run-role.ts'

/** Is ready once it is sure that a server can start here; asked before what serves is replaced. */
await runRole('check', 'control', ({ config: { paths } }) => {
  checkStore({ path: paths.database, keyPath: paths.key })
  return Promise.resolve(new AsyncDisposableStack())
})
