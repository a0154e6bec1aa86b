import { PaasError } from '../errors.ts'
import { processTypePattern } from '../model/formation.ts'
import type { ProcessTypes } from '../model/procfile.ts'

/**
 * `default_process_types` of bin/release. What is not of the right shape declares nothing, as on
 * Heroku.
 * @throws build_failed for what is no YAML
 */
export async function defaultTypes(yaml: string): Promise<ProcessTypes> {
  const answer = await parseYaml(yaml)
  const types = isRecord(answer) ? answer['default_process_types'] : undefined
  if (!isRecord(types)) return {}
  const valid = Object.entries(types).filter(
    (entry): entry is [string, string] => processTypePattern.test(entry[0]) && typeof entry[1] === 'string',
  )
  return Object.fromEntries(valid)
}

/** The parser is loaded by the first build: an idle worker has 1.7 MiB less. */
async function parseYaml(text: string): Promise<unknown> {
  const { parse } = await import('yaml')
  try {
    // The check for unique keys takes quadratic time; warnings would go to the server's own log.
    return parse(text, { maxAliasCount: 0, uniqueKeys: false, logLevel: 'error' })
  } catch (cause) {
    throw new PaasError('build_failed', "build failed: the output of the buildpack's bin/release is not YAML", {
      cause,
    })
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
