import { PaasError } from '../errors.ts'

/**
 * In what a copy differs from what was noted of its source, as the first lines of `facts` that do:
 * a line without a checksum stands for any of its name and count.
 */
export function factsDiffer(noted: string[], found: string[]): string | undefined {
  const missing = firstOnlyIn(noted, found)
  const more = firstOnlyIn(found, noted)
  if (missing === undefined && more === undefined) return undefined
  return `${shown(more)} in place of ${shown(missing)}`
}

/** @throws backup_damaged with the first lines that differ */
export function checkFacts(noted: string[], found: string[]): void {
  const differ = factsDiffer(noted, found)
  if (differ === undefined) return
  throw new PaasError('backup_damaged', `What was restored is not what was backed up: ${differ}.`)
}

/** Whose database it is decides how many lines there are: each is looked up. */
function firstOnlyIn(lines: string[], others: string[]): string | undefined {
  const whole = new Set(others)
  const unlike = lines.filter((line) => !whole.has(line))
  if (unlike.length === 0) return undefined
  const begun = new Set(others.flatMap(beginnings))
  return unlike.find((line) => !begun.has(line) && !beginnings(line).some((beginning) => whole.has(beginning)))
}

/** Itself, and what is before each of its tabs. */
function beginnings(line: string): string[] {
  const ends = [...line.matchAll(/\t|$/g)].map(({ index }) => index)
  return ends.map((end) => line.slice(0, end))
}

function shown(line: string | undefined): string {
  return line === undefined ? 'nothing' : `"${line.replaceAll('\t', ' ').slice(0, 120)}"`
}
