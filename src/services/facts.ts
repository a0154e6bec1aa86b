import { PaasError } from '../errors.ts'

/**
 * In what a copy differs from what was noted of its source, as the first lines of `facts` that do:
 * a line without a checksum stands for any of its name and count.
 */
export function factsDiffer(noted: string[], found: string[]): string | undefined {
  const missing = noted.find((line) => !found.some((other) => isSame(line, other)))
  const more = found.find((line) => !noted.some((other) => isSame(line, other)))
  if (missing === undefined && more === undefined) return undefined
  return `${shown(more)} in place of ${shown(missing)}`
}

/** @throws backup_damaged with the first lines that differ */
export function checkFacts(noted: string[], found: string[]): void {
  const differ = factsDiffer(noted, found)
  if (differ === undefined) return
  throw new PaasError('backup_damaged', `What was restored is not what was backed up: ${differ}.`)
}

function isSame(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}\t`) || other.startsWith(`${one}\t`)
}

function shown(line: string | undefined): string {
  return line === undefined ? 'nothing' : `"${line.replaceAll('\t', ' ').slice(0, 120)}"`
}
