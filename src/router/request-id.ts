import { randomUUID } from 'node:crypto'
import type { Field } from './http/fields.ts'

/** Heroku's rule for an id that comes with the request. */
const validId = /^[A-Za-z0-9+/=-]{20,200}$/

/** The client's X-Request-Id when it is a valid one and the only one, else a new UUID. */
export function requestId(fields: Field[]): string {
  let given: string | undefined
  for (const { key, value } of fields) {
    if (key !== 'x-request-id') continue
    if (given !== undefined) return randomUUID()
    given = value
  }
  return given !== undefined && validId.test(given) ? given : randomUUID()
}
