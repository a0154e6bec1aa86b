import type { Narrator } from '../model/narrator.ts'
import { wantedDynos, type Deployable } from './deployable.ts'
import type { DynoParts } from './parts.ts'

/** Tells in the push which volumes the dynos get. */
export function sayVolumes(
  { store }: Pick<DynoParts, 'store'>,
  deployable: Deployable,
  narrator: Pick<Narrator, 'detail' | 'error'>,
): void {
  const wanted = new Set(wantedDynos(store, deployable).map(({ type }) => type))
  for (const { name, mount, types, fill } of store.volumes.list(deployable.app.id)) {
    const mounting = types.filter((type) => wanted.has(type)).join(', ')
    if (mounting !== '') narrator.detail(`Volume ${name} of ${mounting} is at ${mount}`)
    if (mounting !== '' && fill === 'full')
      narrator.error(`The volume ${name} is full, and read-only. See: paas volumes`)
  }
}
