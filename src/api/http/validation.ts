import type { FastifySchemaValidationError } from 'fastify/types/schema.js'

/**
 * Ajv's settings: nothing is converted or dropped in silence; `verbose` lets messages name what is
 * allowed.
 */
export const ajvOptions = {
  customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, verbose: true },
} as const

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
