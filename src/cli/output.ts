import { styleText } from 'node:util'

/** Data on stdout: JSON when asked for, else what `render` makes of it. */
export function print<T>(options: { json?: true }, data: T, render: (data: T) => string | string[]): void {
  const text = options.json ? JSON.stringify(data, null, 2) : [render(data)].flat().join('\n')
  if (text !== '') process.stdout.write(`${text}\n`)
}

/** For people who watch, on stderr. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** `Creating acme... done` around some work, on stderr; what `describe` gives follows `done`. */
export async function progress<T>(what: string, work: Promise<T>, describe?: (result: T) => string): Promise<T> {
  process.stderr.write(`${what}... `)
  try {
    const result = await work
    const more = describe?.(result)
    process.stderr.write(more ? `done, ${more}\n` : 'done\n')
    return result
  } catch (cause) {
    process.stderr.write('failed\n')
    throw cause
  }
}

/** `=== acme Config Vars` and an empty line. */
export function heading(text: string): string {
  return `${style('bold', `=== ${text}`)}\n`
}

/**
 * Left-aligned columns. On a terminal too narrow for them the widest gives way, so that each still
 * shows its beginning.
 */
export function table(rows: string[][]): string[] {
  const cells = rows.map((row) => row.map(visible))
  const natural = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const widths = narrow(natural, terminalWidth() - gap.length * (natural.length - 1))
  return cells.map((row) => {
    const padded = row.map((cell, column) => cut(cell, widths[column] ?? 0).padEnd(widths[column] ?? 0))
    return cut(padded.join(gap).trimEnd(), terminalWidth())
  })
}

const gap = '  '
/** What is left of a column at least, characters. */
const narrowest = 8

/** Takes from the widest column, again and again, until all fit or none can give any more. */
function narrow(widths: number[], room: number): number[] {
  const excess = widths.reduce((sum, width) => sum + width, 0) - room
  const widest = Math.max(0, ...widths)
  if (excess <= 0 || widest <= narrowest) return widths
  const next = Math.max(narrowest, widest - excess, ...widths.filter((width) => width < widest))
  return narrow(widths.with(widths.indexOf(widest), next === widest ? widest - 1 : next), room)
}

/** `KEY: value` lines with the values in one column. */
export function list(pairs: [string, string][]): string[] {
  const width = Math.max(0, ...pairs.map(([key]) => key.length)) + 1
  return pairs.map(([key, value]) => `${style('green', `${key}:`.padEnd(width))} ${visible(value)}`)
}

/** Colours and the like only where a person looks: a terminal, and NO_COLOR is not set. */
export function style(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { stream: process.stdout })
}

/** Data of others must not steer the terminal: control characters are shown as escapes. */
function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}

/** Characters; no limit where the output is not for a person's eyes. */
function terminalWidth(): number {
  if (!process.stdout.isTTY) return Infinity
  return Number(process.env['COLUMNS']) || process.stdout.columns || Infinity
}
