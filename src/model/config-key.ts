const longestKey = 128

/** What the platform sets in each dyno to a value of its own. */
const reserved = new Set(['PORT', 'DYNO'])

/** What is wrong with the name of a config var (Heroku's rules), as the rest of a sentence about it; undefined: nothing. */
export function configKeyProblem(key: string): string | undefined {
  if (!/^\w+$/.test(key)) return 'has a name with other characters than letters, digits and _'
  if (key.length > longestKey) return `has a name longer than ${longestKey} characters`
  if (key.startsWith('__')) return 'has a name that begins with __'
  if (key.startsWith('HEROKU_')) return 'has a name that begins with HEROKU_, which is reserved'
  if (reserved.has(key)) return 'is set by the platform itself'
  return undefined
}

/** Likewise of a value. */
export function configValueProblem(value: string): string | undefined {
  if (value.includes('\0')) return 'has a value with a NUL byte, which no environment can hold'
  if (!value.isWellFormed()) return 'has a value that is not valid Unicode'
  return undefined
}
