/** What was read, and the first line that is not of the form; the number counts from 1. */
export type Dotenv = { vars: Record<string, string>; wrongLine: number | undefined }

/**
 * A `.env` file: `KEY=value` lines, `export` before it or not, comments after `#`. Between single
 * quotes everything stands for itself, line breaks included; between double quotes `\n`, `\r`,
 * `\t`, `\"`, `\$` and `\\` are what they are in a shell's or a JSON string.
 */
export function parseDotenv(text: string): Dotenv {
  const vars: Record<string, string> = {}
  for (let at = 0; at < text.length;) {
    const line = text.slice(at, lineEnd(text, at)).trim()
    if (line === '' || line.startsWith('#')) {
      at = lineEnd(text, at) + 1
      continue
    }
    const read = readPair(text, at)
    if (!read) return { vars, wrongLine: text.slice(0, at).split('\n').length }
    vars[read.key] = read.value
    at = read.next
  }
  return { vars, wrongLine: undefined }
}

/** Undefined for what is no pair; `next` is where the line after it begins. */
function readPair(text: string, at: number): { key: string; value: string; next: number } | undefined {
  const end = lineEnd(text, at)
  const equals = text.indexOf('=', at)
  if (equals === -1 || equals > end) return undefined
  const key = keyIn(text.slice(at, equals))
  if (key === undefined) return undefined
  let begin = equals + 1
  while (text[begin] === ' ' || text[begin] === '\t') begin += 1
  const quote = text[begin]
  if (quote !== '"' && quote !== "'") return { key, value: plainValue(text.slice(equals + 1, end)), next: end + 1 }
  const close = quoteEnd(text, begin)
  if (close === -1) return undefined
  const behind = text.slice(close + 1, lineEnd(text, close)).trim()
  if (behind !== '' && !behind.startsWith('#')) return undefined
  const inside = text.slice(begin + 1, close)
  return { key, value: quote === '"' ? unescaped(inside) : inside, next: lineEnd(text, close) + 1 }
}

function lineEnd(text: string, at: number): number {
  const found = text.indexOf('\n', at)
  return found === -1 ? text.length : found
}

function keyIn(text: string): string | undefined {
  const words = text.split(/[ \t]/).filter(Boolean)
  const [key = '', ...more] = words[0] === 'export' && words.length > 1 ? words.slice(1) : words
  return more.length === 0 && /^[^\s'"#]+$/.test(key) ? key : undefined
}

function quoteEnd(text: string, begin: number): number {
  if (text[begin] === "'") return text.indexOf("'", begin + 1)
  for (let at = begin + 1; at < text.length; at += 1) {
    if (text[at] === '"') return at
    if (text[at] === '\\') at += 1
  }
  return -1
}

/** Without a comment behind it, which a space sets off. */
function plainValue(text: string): string {
  for (let at = text.indexOf('#'); at !== -1; at = text.indexOf('#', at + 1)) {
    if (at === 0 || text[at - 1] === ' ' || text[at - 1] === '\t') return text.slice(0, at).trim()
  }
  return text.trim()
}

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', '"': '"', $: '$', '\\': '\\' }

function unescaped(text: string): string {
  return text.replaceAll(/\\([^])/g, (whole, character: string) => escapes[character] ?? whole)
}
