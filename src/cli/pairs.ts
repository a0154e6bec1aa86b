import { PaasError } from '../errors.ts'

/**
 * `KEY=VALUE` as config vars; one `KEY=-` has its value on stdin, so that it is in no process list.
 * @throws usage
 */
export async function parsePairs(pairs: string[]): Promise<Record<string, string>> {
  const wrong = pairs.filter((pair) => !/^[^=]+=/.test(pair))
  if (wrong.length > 0) {
    throw new PaasError('usage', `"${wrong[0]}" is not KEY=VALUE.`, {
      hint: 'For example: paas config:set LOG_LEVEL=debug',
    })
  }
  const entries = pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
  const fromInput = entries.filter(([, value]) => value === '-')
  if (fromInput.length > 1) throw new PaasError('usage', 'Only one value can be read from stdin (KEY=-) at a time.')
  const input = fromInput.length === 1 ? await readInput() : ''
  return Object.fromEntries(entries.map(([key, value]) => [key, value === '-' ? input : value]))
}

/** One newline at the end belongs to the file, not to the value. */
async function readInput(): Promise<string> {
  const { text } = await import('node:stream/consumers')
  return (await text(process.stdin)).replace(/\r?\n$/, '')
}
