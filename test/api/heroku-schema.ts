import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createRequire } from 'node:module'
import type Ajv04 from 'ajv-draft-04'
import { deviations } from './deviations.ts'

const file = resolve(import.meta.dirname, '../../src/api/heroku/platform-api.schema.json')
const load = createRequire(import.meta.url)
const Ajv = load('ajv-draft-04') as typeof Ajv04.default
const addFormats = load('ajv-formats') as (ajv: Ajv04.default) => void

export type Schema = {
  [key: string]: unknown
  properties?: Record<string, Schema>
  definitions?: Record<string, Schema>
  strictProperties?: boolean
  additionalProperties?: unknown
}

/** What tells people something, or would name parts of the schema by another name. */
const comments = new Set(['$schema', 'example', 'links', 'title', 'description', 'default'])

const ajv = new Ajv({ strict: false, allErrors: true })
addFormats(ajv)
ajv.addSchema(readSchema(), 'heroku')

/** What is wrong with `value` as Heroku's `resource` (`app`, `release`, …); empty when nothing is. */
export function schemaProblems(resource: string, value: unknown): string[] {
  const validate = ajv.getSchema(`heroku#/definitions/${resource}`)
  if (!validate) throw new Error(`Heroku's schema has no ${resource}`)
  return problemsOf(validate, value)
}

/** What is wrong with `value` by a schema of our own. */
export function ownProblems(schema: object, value: unknown): string[] {
  return problemsOf(ajv.compile(schema), value)
}

function problemsOf(validate: Ajv04.ValidateFunction, value: unknown): string[] {
  void validate(value)
  return (validate.errors ?? []).map(
    (error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
  )
}

/** Heroku's schema with our deviations, read as strictly as it can be: a resource has no property that it does not know. */
function readSchema(): Schema {
  const document = plain(JSON.parse(readFileSync(file, 'utf8'))) as { definitions: Record<string, Schema> }
  for (const { resource, change } of deviations) {
    const schema = document.definitions[resource]
    if (!schema) throw new Error(`Heroku's schema has no ${resource}`)
    change(schema)
  }
  for (const schema of Object.values(document.definitions)) {
    if (schema.properties) schema.additionalProperties ??= false
  }
  return strict(document) as Schema
}

/** Without its comments; a property or definition of such a name stays. */
function plain(schema: unknown, isNamed = false): unknown {
  if (Array.isArray(schema)) return schema.map((item) => plain(item))
  if (typeof schema !== 'object' || schema === null) return schema
  const kept = Object.entries(schema).filter(([key]) => isNamed || !comments.has(key))
  const names = (key: string) => !isNamed && ['properties', 'definitions', 'patternProperties'].includes(key)
  return Object.fromEntries(kept.map(([key, value]) => [key, plain(value, names(key))]))
}

/** `strictProperties` means: all of them, and no others. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict)
  if (typeof schema !== 'object' || schema === null) return schema
  const result = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)])) as Schema
  if (result.strictProperties === true && result.properties) {
    const required = result['required'] ?? Object.keys(result.properties)
    Object.assign(result, { required, additionalProperties: false })
  }
  return result
}
