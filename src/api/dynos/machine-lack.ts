import type { FastifyReply } from 'fastify'
import { PaasError } from '../../errors.ts'
import { limitsOf, type DynoSize } from '../../model/formation.ts'
import { lackOf, type Machine } from '../../model/machine.ts'
import type { ApiDeps } from '../deps.ts'
import { sizeName } from '../http/shapes.ts'
import { warn } from '../http/warn.ts'

type Deps = { config: Pick<ApiDeps['config'], 'dynoSizes'>; containers: Pick<ApiDeps['containers'], 'machine'> }

/**
 * Before a size is given to dynos: one with more memory than the machine has is refused, of
 * processors they get those that there are and the answer says so. While worker or engine are away
 * nothing is known, and nothing is said.
 * @throws invalid_params
 */
export async function checkMachine(
  { config, containers }: Deps,
  sizes: DynoSize[],
  reply: FastifyReply,
): Promise<void> {
  const machine = sizes.length === 0 ? undefined : await containers.machine().catch(() => undefined)
  if (!machine) return
  for (const size of sizes) {
    const limits = limitsOf(config.dynoSizes, size)
    const lack = lackOf(limits, machine)
    if (limits.memoryMiB > machine.memoryMiB) throw tooLarge(config.dynoSizes, size, machine)
    if (lack) warn(reply, `${sizeName(size)} has ${lack}: its dynos get all that the machine has.`)
  }
}

function tooLarge(dynoSizes: Deps['config']['dynoSizes'], size: DynoSize, machine: Machine): PaasError {
  const fitting = (Object.keys(dynoSizes) as DynoSize[]).filter(
    (one) => limitsOf(dynoSizes, one).memoryMiB <= machine.memoryMiB,
  )
  const lack = lackOf(limitsOf(dynoSizes, size), machine)
  return new PaasError('invalid_params', `${sizeName(size)} has ${lack}; nothing was changed.`, {
    hint: `The machine has memory for ${fitting.map(sizeName).join(', ') || 'no size'}; the operator sets sizes with PAAS_DYNO_SIZES.`,
  })
}
