import { PaasError } from '../errors.ts'
import type { ConfigVars } from './release.ts'

/** Bytes of all keys and values together, Heroku's limit. */
const mostBytes = 64 * 1024
/** Each is a file of a build, and a part of what every dyno is started with. */
const mostVars = 1000
const longestKey = 128

/** What the platform sets in each dyno to a value of its own. */
const reserved = new Set(['PORT', 'DYNO'])

/** @throws config_invalid that names the key and the rule */
export function checkConfigChange(change: Record<string, string | null>): void {
  for (const [key, value] of Object.entries(change)) {
    const problem = value === null ? undefined : (configKeyProblem(key) ?? configValueProblem(value))
    if (problem) throw new PaasError('config_invalid', `The config var ${JSON.stringify(key.slice(0, 60))} ${problem}.`)
  }
}

/** @throws config_invalid when all together are too large */
export function checkConfigSize(config: ConfigVars): void {
  const { length } = Object.keys(config)
  if (length > mostVars) {
    throw new PaasError('config_invalid', `There would be ${length} config vars; the limit is ${mostVars}.`, {
      hint: 'Keep many values in one, as JSON, or in a file.',
    })
  }
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

/**
 * What is wrong with the name of a config var (Heroku's rules), as the rest of a sentence about it;
 * undefined: nothing.
 */
export function configKeyProblem(key: string): string | undefined {
  if (!/^\w+$/.test(key)) return 'has a name with characters other than letters, digits and _'
  if (key.length > longestKey) return `has a name longer than ${longestKey} characters`
  if (key.startsWith('__')) return 'has a name that begins with __'
  if (key.startsWith('HEROKU_')) return 'has a name that begins with HEROKU_, which is reserved'
  if (reserved.has(key)) return 'is set by the platform itself'
  return undefined
}

/** Likewise of a value. */
export function configValueProblem(value: string): string | undefined {
  if (value.includes('\0')) return 'has a value with a NUL byte, which an environment variable cannot have'
  if (!value.isWellFormed()) return 'has a value that is not valid Unicode'
  return undefined
}
