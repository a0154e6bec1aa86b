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

/** Left-aligned columns, cut to the width of the terminal where there is one. */
export function table(rows: string[][]): string[] {
  const cells = rows.map((row) => row.map(visible))
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  return cells.map((row) =>
    fit(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
  )
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

function fit(line: string): string {
  const width = process.stdout.isTTY ? process.stdout.columns : Infinity
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`
}
