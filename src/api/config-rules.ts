import { PaasError } from '../errors.ts'
import { configKeyProblem, configValueProblem } from '../model/config-key.ts'
import type { Config } from '../model/release.ts'

/** Bytes of all keys and values together, Heroku's limit. */
const mostBytes = 64 * 1024

/** @throws config_invalid that names the key and the rule */
export function checkConfigChange(change: Record<string, string | null>): void {
  for (const [key, value] of Object.entries(change)) {
    const problem = value === null ? undefined : (configKeyProblem(key) ?? configValueProblem(value))
    if (problem) throw new PaasError('config_invalid', `The config var ${JSON.stringify(key.slice(0, 60))} ${problem}.`)
  }
}

/** @throws config_invalid when all together are too large */
export function checkConfigSize(config: Config): void {
  const bytes = Object.entries(config).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  )
  if (bytes <= mostBytes) return
  throw new PaasError(
    'config_invalid',
    `All config vars together would have ${bytes} bytes; the limit is ${mostBytes}.`,
    {
      hint: 'Keep large values in a file or a database.',
    },
  )
}
