import { stackNames } from '../../build/stack/definition.ts'
import { PaasError } from '../../errors.ts'
import { usualStack } from '../../model/stack.ts'
import type { ApiDeps } from '../deps.ts'
import { named } from '../http/shapes.ts'

/** The only region: where this server is. */
export const region = named('region', 'local')

type Asked = { region?: string | null | undefined; stack?: string | null | undefined }

/**
 * The stack that is asked for, by name or id; the usual one when none is.
 * @throws invalid_params for a region or stack that this server does not have
 */
export function placeAsked({ config }: Pick<ApiDeps, 'config'>, { region: wanted, stack }: Asked): string {
  pick('region', wanted ?? region.name, [region.name])
  return pick('stack', stack ?? usualStack, stackNames(config.stacksDirectory))
}

/** @throws invalid_params for one that is not among these */
export function pick(kind: 'region' | 'stack', wanted: string, names: string[]): string {
  const found = names.find((name) => [name, named(kind, name).id].includes(wanted))
  if (found !== undefined) return found
  throw new PaasError(
    'invalid_params',
    `There is no ${kind} ${JSON.stringify(wanted)}; this server has ${names.join(', ')}.`,
  )
}
