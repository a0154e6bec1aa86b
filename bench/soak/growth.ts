import { median } from '../statistics.ts'

/** One look at everything: figures by name (`router heap`), in the units of `rules`. */
export type Sample = { minute: number; pushes: number; values: Record<string, number> }

/** What a figure may grow by in the time that is judged: what it varies by anyway, and so much with every minute and push. */
type Rule = { unit: string; slack: number; perMinute: number; perPush: number }

export type Growth = {
  name: string
  unit: string
  from: number
  to: number
  perMinute: number
  mostPerMinute: number
  grew: boolean
}

/** By the last word of a figure's name. */
const rules: Record<string, Rule> = {
  rss: { unit: 'MiB', slack: 40, perMinute: 0.2, perPush: 0 },
  heap: { unit: 'MiB', slack: 6, perMinute: 0.05, perPush: 0 },
  native: { unit: 'MiB', slack: 40, perMinute: 0.2, perPush: 0 },
  external: { unit: 'MiB', slack: 12, perMinute: 0.05, perPush: 0 },
  descriptors: { unit: '', slack: 60, perMinute: 0.2, perPush: 0 },
  threads: { unit: '', slack: 8, perMinute: 0, perPush: 0 },
  containers: { unit: '', slack: 8, perMinute: 0, perPush: 0 },
  // An image stays for an hour in any case.
  images: { unit: '', slack: 5, perMinute: 0, perPush: 1.2 },
  // Of a build and of a release: output and end mark; a pack with its index.
  files: { unit: '', slack: 40, perMinute: 0.5, perPush: 14 },
  wal: { unit: 'MiB', slack: 8, perMinute: 0, perPush: 0 },
}

/** The first minutes fill caches and pools, and are not judged: so many, but no more than this part of all. */
const warmUp = { minutes: 10, part: 0.4 }

/**
 * How each figure grew after the warm-up: its slope is the median of the slopes between all pairs of samples (Theil and Sen), which a few
 * outliers do not move.
 */
export function judge(samples: Sample[]): Growth[] {
  const judged = samples.filter(({ minute }) => minute >= warmUpFor(samples.at(-1)?.minute ?? 0))
  const names = new Set(judged.flatMap(({ values }) => Object.keys(values)))
  return [...names].flatMap((name) => growthOf(name, judged) ?? [])
}

/** Minutes of a soak of so many minutes that are not judged. */
export function warmUpFor(minutes: number): number {
  return Math.min(warmUp.minutes, minutes * warmUp.part)
}

/** undefined when there are no two samples: its role was just started again in the others. */
function growthOf(name: string, samples: Sample[]): Growth | undefined {
  const rule = rules[name.split(' ').at(-1) ?? '']
  if (rule === undefined) throw new Error(`there is no rule for the growth of "${name}"`)
  const points = samples.flatMap(({ minute, pushes, values }) => {
    const value = values[name]
    return value === undefined ? [] : { minute, pushes, value }
  })
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || first === last) return undefined
  const span = { minutes: last.minute - first.minute, pushes: last.pushes - first.pushes }
  const perMinute = medianSlope(points)
  const most = rule.slack + rule.perMinute * span.minutes + rule.perPush * span.pushes
  const ends = Math.ceil(points.length / 4)
  return {
    name,
    unit: rule.unit,
    from: median(points.slice(0, ends).map(({ value }) => value)),
    to: median(points.slice(-ends).map(({ value }) => value)),
    perMinute,
    mostPerMinute: most / span.minutes,
    grew: perMinute * span.minutes > most,
  }
}

function medianSlope(points: { minute: number; value: number }[]): number {
  const slopes: number[] = []
  for (const [i, later] of points.entries()) {
    for (const earlier of points.slice(0, i))
      slopes.push((later.value - earlier.value) / (later.minute - earlier.minute))
  }
  return median(slopes)
}
