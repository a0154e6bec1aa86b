import { NotPlain } from './parse.ts'

/**
 * Splits at blanks that are neither quoted nor escaped; quotes and backslashes stay for `expand`.
 */
export function quotedWords(text: string): string[] {
  const words: string[] = []
  let word = ''
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (character === '\\' && quote !== "'") word += character + (text[++at] ?? '')
    else if (quote === '' && /\s/.test(character)) {
      if (word !== '') words.push(word)
      word = ''
    } else {
      if (character === quote) quote = ''
      else if (quote === '' && (character === '"' || character === "'")) quote = character
      word += character
    }
  }
  if (quote !== '') throw new NotPlain('a quote that is never closed')
  if (word !== '') words.push(word)
  return words
}

/**
 * `name=value` pairs, or a name and then all that follows it, as in the old form of ENV and LABEL.
 */
export function pairs(text: string, values: Map<string, string>): [string, string][] {
  const words = quotedWords(text)
  const [first = ''] = words
  if (!first.includes('=')) {
    const value = text.slice(first.length).trim()
    if (value === '') throw new NotPlain(text)
    return [[expand(first, values), expand(value, values)]]
  }
  return words.map((word) => {
    const equals = word.indexOf('=')
    if (equals < 1) throw new NotPlain(word)
    return [expand(word.slice(0, equals), values), expand(word.slice(equals + 1), values)]
  })
}

/**
 * Replaces variables and takes quotes and backslashes away, as the Dockerfile reference says
 * ("Environment replacement").
 */
export function expand(text: string, values: Map<string, string>): string {
  let result = ''
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (quote === "'") {
      if (character === quote) quote = ''
      else result += character
    } else if (character === '\\') {
      const next = text[++at] ?? ''
      result += quote === '"' && !/["$\\]/.test(next) ? character + next : next
    } else if (character === quote) quote = ''
    else if (quote === '' && (character === '"' || character === "'")) quote = character
    else if (character === '$') {
      const { value, length } = variable(text.slice(at + 1), values)
      result += value
      at += length
    } else result += character
  }
  if (quote !== '') throw new NotPlain(text)
  return result
}

/** What stands behind a dollar sign: `name`, `{name}`, `{name:-word}` or `{name:+word}`. */
function variable(text: string, values: Map<string, string>): { value: string; length: number } {
  const plain = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text)
  if (plain) return { value: values.get(plain[0]) ?? '', length: plain[0].length }
  const [all = '', name = '', modifier = '', word = ''] =
    /^\{([A-Za-z_][A-Za-z0-9_]*)(?::([-+])([^{}$"'\\]*))?\}/.exec(text) ?? []
  if (all === '') throw new NotPlain(`$${text}`)
  const value = values.get(name) ?? ''
  if (modifier === '') return { value, length: all.length }
  const isSet = value !== ''
  if (modifier === '-') return { value: isSet ? value : word, length: all.length }
  return { value: isSet ? word : '', length: all.length }
}
