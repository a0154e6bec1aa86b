import { parse } from 'yaml'
import { PaasError } from '../errors.ts'
import { processTypePattern } from '../model/formation.ts'
import type { ProcessTypes } from '../model/procfile.ts'

/**
 * `default_process_types` of bin/release. What is not of the right shape declares nothing, as on
 * Heroku.
 * @throws build_failed for what is no YAML
 */
export function defaultTypes(yaml: string): ProcessTypes {
  const answer = parseYaml(yaml)
  const types = isRecord(answer) ? answer['default_process_types'] : undefined
  if (!isRecord(types)) return {}
  const valid = Object.entries(types).filter(
    (entry): entry is [string, string] => processTypePattern.test(entry[0]) && typeof entry[1] === 'string',
  )
  return Object.fromEntries(valid)
}

function parseYaml(text: string): unknown {
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
