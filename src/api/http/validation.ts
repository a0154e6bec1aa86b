import type { Ajv, AnySchema, ValidateFunction } from 'ajv'
import type { FastifyRequest } from 'fastify'
import type {
  FastifySchemaControllerOptions,
  FastifySchemaValidationError,
  FastifyValidationResult,
} from 'fastify/types/schema.js'

/** Nothing is converted or dropped in silence; `verbose` lets messages name what is allowed. */
const ajvOptions = { coerceTypes: false, removeAdditional: false, useDefaults: false, verbose: true } as const

/**
 * Checks requests against the schemas of their routes. Ajv with what it makes of all schemas takes
 * 5 MiB of memory, so the first request that is to be checked loads it, and it makes what requests
 * need.
 */
export class Validation {
  #ajv: Ajv | undefined

  /** To be awaited before a request is checked. */
  readonly load = async ({ routeOptions }: FastifyRequest): Promise<void> => {
    if (this.#ajv || !routeOptions.schema) return
    const { Ajv } = await import('ajv')
    this.#ajv ??= new Ajv(ajvOptions)
  }

  /**
   * For Fastify's `schemaController`, which otherwise loads compilers of its own. No route has a
   * schema of its answers. Fastify's types have what Ajv takes where it passes a route's part
   * (Fastify's reference, Server, "schemaController").
   */
  readonly compilersFactory = {
    buildValidator: () => (route: { schema: AnySchema }) => this.#validator(route.schema),
    buildSerializer: () => () => JSON.stringify,
  } as unknown as CompilersFactory

  #validator(schema: AnySchema): FastifyValidationResult {
    let check: ValidateFunction | undefined
    const validate: FastifyValidationResult = (value) => {
      check ??= this.#compile(schema)
      const isValid = check(value)
      validate.errors = check.errors ?? null
      return isValid
    }
    return validate
  }

  #compile(schema: AnySchema): ValidateFunction {
    if (!this.#ajv) throw new Error('a request is checked before Ajv is loaded')
    return this.#ajv.compile(schema)
  }
}

type CompilersFactory = NonNullable<FastifySchemaControllerOptions['compilersFactory']>
type Detail = FastifySchemaValidationError & { parentSchema?: { properties?: Record<string, unknown> } }

/** The first problem as one sentence: which field, and what is allowed. */
export function explainValidation(details: FastifySchemaValidationError[]): string {
  const [detail] = details as Detail[]
  if (!detail) return 'The request is not valid.'
  const field = fieldName(detail.instancePath)
  switch (detail.keyword) {
    case 'additionalProperties': {
      const known = Object.keys(detail.parentSchema?.properties ?? {})
      const unknown = JSON.stringify(detail.params['additionalProperty'])
      return `${inside(field)}${unknown} is not known; ${known.length > 0 ? `known are ${known.join(', ')}` : 'none is'}.`
    }
    case 'required':
      return `${inside(field)}${JSON.stringify(detail.params['missingProperty'])} is missing.`
    case 'type':
      return `${field} must be ${typesAt(details, detail.instancePath).join(' or ')}.`
    case 'enum':
      return `${field} must be one of ${(detail.params['allowedValues'] as unknown[]).join(', ')}.`
    default:
      return `${field} ${detail.message ?? 'is not valid'}.`
  }
}

/** Each failed alternative (anyOf) is reported separately. */
function typesAt(details: FastifySchemaValidationError[], path: string): string[] {
  const types = details.filter(({ keyword, instancePath }) => keyword === 'type' && instancePath === path)
  return types.map(({ params }) => withArticle(params['type'] as string))
}

function withArticle(type: string): string {
  if (type === 'null') return type
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
}

/** `/updates/0/quantity` → `updates[0].quantity` (JSON Pointer, RFC 6901). */
function fieldName(pointer: string): string {
  const steps = pointer.split('/').slice(1)
  const path = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('')
  return path.replace(/^\./, '').replaceAll('~1', '/').replaceAll('~0', '~') || 'The request body'
}

function inside(field: string): string {
  return field === 'The request body' ? '' : `${field}: `
}
