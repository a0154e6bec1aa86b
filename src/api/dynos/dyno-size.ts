import { PaasError } from '../../errors.ts'
import { dynoSizes, type DynoSize } from '../../model/formation.ts'
import { findSize, sizeName } from '../http/shapes.ts'

/** The size of that name, in any case, or id. @throws invalid_params */
export function parseDynoSize(nameOrId: string): DynoSize {
  const found = findSize(nameOrId)
  if (found) return found
  const known = Object.keys(dynoSizes).map(sizeName).join(', ')
  throw new PaasError('invalid_params', `There is no dyno size ${JSON.stringify(nameOrId)}; there are ${known}.`)
}
