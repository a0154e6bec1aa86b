import type { PaasError } from '../errors.ts'
import { openStore } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import type { RoleContext } from './run-role.ts'

/**
 * Opens the database for a role: damage that is found later is logged each time, and shown once on
 * the terminal.
 */
export function openRecord({ config: { paths }, log, note }: Pick<RoleContext, 'config' | 'log' | 'note'>): Store {
  let isTold = false
  const onDamage = (damage: PaasError): void => {
    log.error({ err: damage, code: damage.code }, damage.message)
    if (!isTold) note(`${damage.message} ${damage.hint}`)
    isTold = true
  }
  return openStore({ path: paths.database, keyPath: paths.key, onDamage })
}
