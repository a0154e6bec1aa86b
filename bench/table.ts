import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** One figure. `met` says whether `target`, where there is one, was reached; `note` why not, or how it was measured. */
export type Row = { what: string; value: number; unit: string; target?: string; met?: boolean; note?: string }

const results = resolve(import.meta.dirname, 'results')

/** Prints the figures in columns on stdout. */
export function printTable(rows: Row[]): void {
  const cells = rows.map(({ what, value, unit, target = '', met, note = '' }) => [
    what,
    `${format(value)} ${unit}`,
    target,
    met === undefined ? '' : met ? 'met' : 'MISSED',
    note,
  ])
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  for (const row of cells)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}

/** Writes them to `bench/results/NAME.json`, with the time and what else there is. */
export function writeJson(name: string, rows: Row[], more: object = {}): void {
  mkdirSync(results, { recursive: true })
  writeFileSync(
    resolve(results, `${name}.json`),
    `${JSON.stringify({ at: new Date().toISOString(), rows, ...more }, null, 2)}\n`,
  )
}

/** Three digits that matter. */
function format(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
