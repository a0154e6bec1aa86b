import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'

/** What people call something, in the body of a request; `oneLine` looks at it further. */
export const optionalText = Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()]))

/** Text that goes into logs and terminals; null for none. @throws invalid_params */
export function oneLine(text: string | null | undefined, field: string): string | null {
  if (text === null || text === undefined || text === '') return null
  if (!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text) && text.isWellFormed()) return text
  throw new PaasError('invalid_params', `${field} must be one line of text without control characters.`)
}
