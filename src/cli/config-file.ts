import { PaasError } from '../errors.ts'
import type { ConfigVars } from '../model/release.ts'

/**
 * Config vars as text that people edit: a line `KEY=value` each, the value as it is to the end of
 * the line. One that has line breaks, or begins or ends with what would be lost, stands between
 * single quotes, where `'\''` is a quote, as in a shell.
 */
export function formatConfig(vars: ConfigVars): string {
  const sorted = Object.entries(vars).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return sorted.map(([key, value]) => `${key}=${isPlain(value) ? value : quote(value)}\n`).join('')
}

/** Empty lines, and those that begin with #, are passed over. @throws usage that names the line */
export function parseConfig(text: string): ConfigVars {
  const found = new Map<string, string>()
  const line = /[ \t]*(?:(?:#.*)?|([^\s=#]+)=(?:'((?:[^']|'\\'')*)'[ \t]*|(?!')(.*)))(?:\r?\n|$)/y
  while (line.lastIndex < text.length) {
    const at = line.lastIndex
    const [, key, quoted, plain] = line.exec(text) ?? explain(text, at)
    if (key !== undefined) found.set(key, quoted?.replaceAll(String.raw`'\''`, "'") ?? plain?.trimEnd() ?? '')
  }
  return Object.fromEntries(found)
}

function isPlain(value: string): boolean {
  return !/^['\s]|\s$|[\r\n]/.test(value)
}

function quote(value: string): string {
  return `'${value.replaceAll("'", String.raw`'\''`)}'`
}

function explain(text: string, at: number): never {
  const number = text.slice(0, at).split('\n').length
  throw new PaasError('usage', `Line ${number} is not KEY=VALUE.`, {
    hint: 'A value that begins with a single quote must end with one.',
  })
}
