import { limitsOf } from '../model/formation.ts'
import { lackOf } from '../model/machine.ts'
import type { Narrator } from '../model/narrator.ts'
import { wantedDynos, type Deployable } from './deployable.ts'
import type { DynoParts } from './parts.ts'

/**
 * Warns in the push about process types whose size exceeds the machine: their dynos get all that it
 * has.
 */
export async function sayLacks(
  { engine, store, sizes }: Pick<DynoParts, 'engine' | 'store' | 'sizes'>,
  deployable: Deployable,
  narrator: Pick<Narrator, 'error'>,
): Promise<void> {
  const machine = await engine.machine()
  const wanted = new Map(wantedDynos(store, deployable).map(({ type, size }) => [type, size]))
  for (const [type, size] of wanted) {
    const lack = lackOf(limitsOf(sizes, size), machine)
    if (lack) narrator.error(`${type} is ${size}, which has ${lack}: its dynos get all that the machine has.`)
  }
}
