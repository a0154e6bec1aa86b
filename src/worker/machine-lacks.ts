import type { Engine } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import { limitsOf, type DynoSize, type DynoSizes } from '../model/formation.ts'
import { lackOf, type Machine } from '../model/machine.ts'

type Asked = { engine: Pick<Engine, 'machine'>; build: Machine; dynoSizes: DynoSizes; log: Logger }

/**
 * Tells the operator at the start what was set for builds beyond the machine, and the log also
 * which sizes of dynos are: of the usual ones some are beyond most machines. While the engine is
 * away nothing is known.
 */
export async function tellLacks({ engine, build, dynoSizes, log }: Asked, note: (text: string) => void): Promise<void> {
  const machine = await engine.machine().catch(() => undefined)
  if (!machine) return
  const lack = lackOf(build, machine)
  if (lack)
    note(`builds would have ${lack}; they get all that the machine has (PAAS_BUILD_CPUS, PAAS_BUILD_MEMORY_MIB)`)
  const sizes = (Object.keys(dynoSizes) as DynoSize[]).filter((size) => lackOf(limitsOf(dynoSizes, size), machine))
  log.info({ machine, builds: lack, sizes }, 'what the machine has; builds and dynos of these sizes get no more')
}
