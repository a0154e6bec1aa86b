import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createRequire } from 'node:module'
import type Ajv04 from 'ajv-draft-04'

const file = resolve(import.meta.dirname, '../fixtures/heroku/platform-api.schema.json')
const load = createRequire(import.meta.url)
const Ajv = load('ajv-draft-04') as typeof Ajv04.default
const addFormats = load('ajv-formats') as (ajv: Ajv04.default) => void

type Schema = { [key: string]: unknown; properties?: Record<string, Schema>; strictProperties?: boolean }

const document = strict(JSON.parse(readFileSync(file, 'utf8'))) as { definitions: Record<string, Schema> }
const ajv = new Ajv({ strict: false, allErrors: true })
addFormats(ajv)
ajv.addSchema(document, 'heroku')

/** What is wrong with `value` as Heroku's `resource` (`app`, `release`, …); empty when nothing is. */
export function schemaProblems(resource: string, value: unknown): string[] {
  const validate = ajv.getSchema(`heroku#/definitions/${resource}`)
  if (!validate) throw new Error(`Heroku's schema has no ${resource}`)
  void validate(value)
  return (validate.errors ?? []).map(
    (error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
  )
}

/**
 * `strictProperties` means: all of them, and no others. The host names of Heroku's own servers, which the patterns of two
 * fields of an app hold, are anybody's here.
 */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict)
  if (typeof schema !== 'object' || schema === null) return schema
  const result = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)])) as Schema
  if (result.strictProperties === true && result.properties) {
    Object.assign(result, { required: Object.keys(result.properties), additionalProperties: false })
  }
  if (typeof result['pattern'] === 'string' && result['pattern'].includes('heroku')) delete result['pattern']
  return result
}
