import { PaasError } from '../errors.ts'
import type { App } from '../model/app.ts'
import type { AccountId } from '../model/ids.ts'
import type { Release } from '../model/release.ts'
import type { Store } from '../store/store.ts'

/**
 * Makes a new release with the code and the config vars of an old one, which become the app's
 * config vars again, those of its add-ons excepted. The caller wakes the worker (`converge`).
 * @throws invalid_params for a release that never served or has no code
 */
export function createRollback(
  store: Pick<Store, 'transaction' | 'releases' | 'configVars'>,
  app: Pick<App, 'id' | 'name'>,
  { target, accountId }: { target: Release; accountId: AccountId },
): Release {
  if (!isEligibleForRollback(target)) {
    throw new PaasError(
      'invalid_params',
      `v${target.version} of ${app.name} ${problemOf(target)}; it cannot be rolled back to.`,
      { hint: `See: paas releases -a ${app.name}` },
    )
  }
  return store.transaction(() => {
    store.configVars.replace(app.id, store.releases.config(target.id))
    const config = store.configVars.get(app.id)
    const description = `Rollback to v${target.version}`
    return store.releases.create({ appId: app.id, accountId, slugId: target.slugId, description, config })
  })
}

export function isEligibleForRollback({ slugId, state }: Release): boolean {
  return slugId !== null && state.kind === 'succeeded'
}

function problemOf({ slugId, state }: Release): string {
  if (slugId === null) return 'has no code'
  return state.kind === 'superseded' ? `never served, as v${state.by} superseded it` : 'did not succeed'
}
