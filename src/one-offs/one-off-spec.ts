import type { DynoSpec } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { DynoSize, DynoSizes } from '../model/formation.ts'
import { resolveCommand, type OneOff } from '../model/one-off.ts'
import { dynoSpec, loadDeployable } from '../dynos/deployable.ts'
import type { Store } from '../store/store.ts'

/**
 * How a one-off's dyno is made: the release's code and config vars, its own command, and what was
 * given with it.
 */
export function oneOffSpec(
  { store, sizes }: { store: Pick<Store, 'apps' | 'releases' | 'slugs'>; sizes: DynoSizes },
  oneOff: OneOff,
): DynoSpec {
  const app = store.apps.get(oneOff.appId)
  const release = store.releases.find(oneOff.releaseId)
  if (!app || app.destroying || !release) throw new PaasError('app_not_found', 'The app was destroyed.')
  const deployable = loadDeployable(store, app, release)
  const wanted = { name: oneOff.name, type: 'run', size: oneOff.size as DynoSize, uuid: oneOff.id }
  const spec = dynoSpec(deployable, wanted, { restart: false, sizes })
  return {
    ...spec,
    command: resolveCommand(oneOff.command, deployable.slug.processTypes),
    env: { ...spec.env, ...oneOff.env, DYNO: oneOff.name },
  }
}
