const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/**
 * Values as bars from 0 to the highest of them, one character each, in `width` characters at most:
 * where there are more values than that, a bar shows the highest of those it stands for. null,
 * nothing known, is a blank.
 */
export function sparkline(values: (number | null)[], width: number): string {
  const columns = fit(values, Math.max(1, width))
  const top = Math.max(0, ...columns.map((value) => value ?? 0))
  return columns.map((value) => (value === null ? ' ' : barOf(value, top))).join('')
}

/** What is not 0 can be told from 0. */
function barOf(value: number, top: number): string {
  if (value <= 0) return bars[0]!
  return bars[Math.max(1, Math.ceil((value / top) * bars.length) - 1)]!
}

function fit(values: (number | null)[], width: number): (number | null)[] {
  const perColumn = Math.ceil(values.length / width)
  return Array.from({ length: Math.ceil(values.length / perColumn) }, (_, column) =>
    highest(values.slice(column * perColumn, (column + 1) * perColumn)),
  )
}

function highest(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}
