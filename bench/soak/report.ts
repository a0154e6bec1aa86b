import { printTable, writeJson, type Row } from '../table.ts'
import { judge, type Growth, type Sample } from './growth.ts'
import type { Tally } from './tally.ts'

/** Prints what was done, what failed and how everything grew; the samples go to `bench/results/soak.json`. @returns whether all was well */
export function reportSoak(samples: Sample[], tally: Tally): boolean {
  const growths = judge(samples)
  const rows = [...tallyRows(tally), ...growths.map(growthRow)]
  printTable(rows)
  writeJson('soak', rows, { samples, failures: tally.failures })
  const grown = growths.filter(({ grew }) => grew)
  for (const failure of tally.failures) console.log(failure)
  for (const growth of grown) console.log(describe(growth))
  const kinds = [...tally.failed].map(([kind, count]) => `${count} × ${kind}`)
  const bad = [...kinds, ...grown.map(({ name }) => `${name} grew`)]
  console.log(bad.length === 0 ? 'soak: nothing was lost, nothing grew' : `soak: FAILED: ${bad.join(', ')}`)
  return bad.length === 0
}

function tallyRows({ done, excused, failed }: Tally): Row[] {
  const kinds = [...new Set([...done.keys(), ...excused.keys(), ...failed.keys()])].toSorted()
  return kinds.map((kind) => {
    const cut = excused.get(kind)
    const met = !failed.has(kind)
    const note = `${failed.get(kind) ?? 0} failed${cut === undefined ? '' : `, ${cut} excused`}`
    return { what: kind, value: done.get(kind) ?? 0, unit: 'done', target: '0 failed', met, note }
  })
}

function growthRow({ name, unit, from, to, perMinute, mostPerMinute, grew }: Growth): Row {
  return {
    what: name,
    value: perMinute,
    unit: `${unit}/min`,
    target: `≤ ${mostPerMinute.toFixed(2)}`,
    met: !grew,
    note: `from ${from.toFixed(1)} to ${to.toFixed(1)} ${unit}`.trimEnd(),
  }
}

function describe({ name, unit, from, to, perMinute, mostPerMinute }: Growth): string {
  return `${name} grew from ${from.toFixed(1)} to ${to.toFixed(1)} ${unit}, by ${perMinute.toFixed(2)} a minute; ${mostPerMinute.toFixed(2)} is the most`
}
