import { PaasError } from '../../errors.ts'

/**
 * Values in one request's body, those inside others included: an app may have 1,000 config vars,
 * and all may be set at once.
 */
const mostValues = 4000
/**
 * Characters of one of them, or of its name: four times what any may have. Where less is allowed,
 * the route says so.
 */
const longestText = 262_144

/**
 * Looks at how much there is in a body before anything else does: before its schema, before what is
 * there already is read, before anything is encrypted. Ends at the first thing too many.
 * @throws payload_too_large
 */
export function checkBodySize(body: unknown): void {
  const waiting = [body]
  let values = 0
  while (waiting.length > 0) {
    const value = waiting.pop()
    values += 1
    if (values > mostValues) throw tooLarge(`more than ${mostValues} values`)
    if (typeof value === 'string') checkText(value)
    else if (Array.isArray(value)) addAll(waiting, value)
    else if (typeof value === 'object' && value !== null) {
      const names = Object.keys(value)
      for (const name of names.slice(0, mostValues)) checkText(name)
      addAll(
        waiting,
        names.map((name) => (value as Record<string, unknown>)[name]),
      )
    }
  }
}

function addAll(waiting: unknown[], values: unknown[]): void {
  if (waiting.length + values.length > mostValues) throw tooLarge(`more than ${mostValues} values`)
  waiting.push(...values)
}

function checkText(text: string): void {
  if (text.length > longestText) throw tooLarge(`a text of more than ${longestText} characters`)
}

function tooLarge(what: string): PaasError {
  return new PaasError('payload_too_large', `The request's body has ${what}, the limit.`, {
    hint: 'Send it in parts.',
  })
}
